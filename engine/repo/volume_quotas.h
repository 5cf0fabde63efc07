// The quotas of a repository as they lie in `quotas/`: a table of all of them, written twice as
// whatever a single flipped bit must not take away. A change makes a new table; the one with the
// largest sequence counts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/status.h"
#include "format/quota_table.h"
#include "format/snapshot_record.h"
#include "io/storage.h"

namespace varve {

inline constexpr const char* kQuotasDirectory = "quotas";
std::string QuotaTablePath(const QuotaTableId& id);
std::string QuotaTableCopyPath(const QuotaTableId& id);

// A file in quotas/ that is not as it should be.
struct DamagedQuotaFile {
  std::string path;
  Status status;     // NotFound if it is missing
  std::string twin;  // a whole file with the same content; empty if there is none

  std::string What() const {
    return status.code() == Code::kNotFound ? path + ": is missing" : status.message();
  }
};

struct QuotaListing {
  // The one that counts. None: no quota was ever set.
  std::optional<QuotaTable> table;
  std::vector<QuotaTableId> ids;  // of all tables, the one that counts included
  std::vector<DamagedQuotaFile> damage;
};
// Needs the key of an encrypted repository, else every file is told as damaged with KeyRequired.
Result<QuotaListing> ListQuotas(Storage& storage, const RepositoryId& repository);

// The quotas that count; none without a table. Corruption as long as there is a table of which no
// file is whole: it may be the one that counts.
Result<std::vector<VolumeQuota>> ReadQuotas(Storage& storage, const RepositoryId& repository);

// Makes `volumes` (by ascending name, each once) the quotas that count, durably. Only while holding
// the commit lock. After a failure or a crash the old ones count or these.
Status WriteQuotas(Storage& storage, const RepositoryId& repository, Random& random,
                   int64_t now_unix_ns, std::vector<VolumeQuota> volumes);

// Ends what a crash left of a WriteQuotas: the missing twin is written, older tables go. Only while
// holding the commit lock.
Status FinishQuotas(Storage& storage, const RepositoryId& repository);

// What the volume's snapshots take: what was measured, and for each later one what it stored and
// what it found stored beyond its parent. `records` are all of the repository, deleted ones too.
uint64_t QuotaUse(const VolumeQuota& quota, const std::vector<SnapshotRecord>& records);

}  // namespace varve
