#include "repo/volume_quotas.h"

#include <algorithm>
#include <set>

#include "base/limits.h"

namespace varve {
namespace {

constexpr const char* kCopySuffix = ".copy";

struct ReadTable {
  std::string path;
  Result<QuotaTable> table;
  Bytes object;
};

ReadTable ReadOne(Storage& storage, const RepositoryId& repository, const QuotaTableId& id,
                  const std::string& path) {
  Result<Bytes> object = storage.ReadSmall(path, kSmallObjectMax);
  if (!object.ok()) return {path, object.status(), {}};
  return {path, DecodeQuotaTable(path, *object, repository, id), *object};
}

// Both files of one table.
void ListTwins(Storage& storage, const RepositoryId& repository, const QuotaTableId& id,
               QuotaListing* listing) {
  ReadTable first = ReadOne(storage, repository, id, QuotaTablePath(id));
  ReadTable second = ReadOne(storage, repository, id, QuotaTableCopyPath(id));
  const bool gone = first.table.status().code() == Code::kNotFound &&
                    second.table.status().code() == Code::kNotFound;
  if (gone) return;  // replaced while we looked
  listing->ids.push_back(id);
  if (first.table.ok() && second.table.ok() && first.object != second.object) {
    second.table = Corruption(second.path + ": is not the same as " + first.path);
  }
  for (const auto& [file, twin] : {std::pair(&first, &second), std::pair(&second, &first)}) {
    if (file->table.ok()) {
      const bool later = !listing->table || listing->table->sequence < file->table->sequence;
      if (later) listing->table = *file->table;
    } else {
      listing->damage.push_back(
          {file->path, file->table.status(), twin->table.ok() ? twin->path : ""});
    }
  }
}

Status RemoveIfThere(Storage& storage, const std::string& path) {
  const Status removed = storage.Remove(path);
  return removed.code() == Code::kNotFound ? Status() : removed;
}

Status RemoveOthers(Storage& storage, const QuotaListing& listing, const QuotaTableId& kept) {
  for (const QuotaTableId& id : listing.ids) {
    if (id == kept) continue;
    VARVE_RETURN_IF_ERROR(RemoveIfThere(storage, QuotaTableCopyPath(id)));
    VARVE_RETURN_IF_ERROR(RemoveIfThere(storage, QuotaTablePath(id)));
  }
  return {};
}

}  // namespace

std::string QuotaTablePath(const QuotaTableId& id) {
  return std::string(kQuotasDirectory) + "/" + id.Hex();
}
std::string QuotaTableCopyPath(const QuotaTableId& id) {
  return QuotaTablePath(id) + kCopySuffix;
}

Result<QuotaListing> ListQuotas(Storage& storage, const RepositoryId& repository) {
  QuotaListing listing;
  const Result<std::vector<DirectoryEntry>> files = storage.List(kQuotasDirectory);
  if (files.status().code() == Code::kNotFound) return listing;
  VARVE_RETURN_IF_ERROR(files.status());
  std::set<QuotaTableId> ids;
  for (const DirectoryEntry& file : *files) {
    std::string name = file.name;
    if (name.ends_with(kCopySuffix)) name.resize(name.size() - std::string(kCopySuffix).size());
    QuotaTableId id;
    if (QuotaTableId::Parse(name, &id)) ids.insert(id);
  }
  for (const QuotaTableId& id : ids)
    ListTwins(storage, repository, id, &listing);
  return listing;
}

Result<std::vector<VolumeQuota>> ReadQuotas(Storage& storage, const RepositoryId& repository) {
  VARVE_ASSIGN_OR_RETURN(QuotaListing listing, ListQuotas(storage, repository));
  for (const DamagedQuotaFile& file : listing.damage) {
    if (file.twin.empty()) {
      return file.status.WithContext("the quotas cannot be known (repair heals or removes it)");
    }
  }
  if (!listing.table) return std::vector<VolumeQuota>();
  return std::move(listing.table->volumes);
}

Status WriteQuotas(Storage& storage, const RepositoryId& repository, Random& random,
                   int64_t now_unix_ns, std::vector<VolumeQuota> volumes) {
  VARVE_CHECK(volumes.size() <= kQuotasMax);
  VARVE_RETURN_IF_ERROR(storage.CreateDirectory(kQuotasDirectory));
  VARVE_ASSIGN_OR_RETURN(const QuotaListing listing, ListQuotas(storage, repository));
  QuotaTable table;
  table.id = random.NewId<QuotaTableId>();
  table.time_unix_ns = now_unix_ns;
  table.sequence = listing.table ? listing.table->sequence + 1 : 1;
  table.volumes = std::move(volumes);
  const Bytes object = EncodeQuotaTable(table, repository);
  VARVE_RETURN_IF_ERROR(storage.Publish(QuotaTablePath(table.id), object));
  // Beyond this point the new table counts.
  VARVE_RETURN_IF_ERROR(storage.Publish(QuotaTableCopyPath(table.id), object));
  return RemoveOthers(storage, listing, table.id);
}

Status FinishQuotas(Storage& storage, const RepositoryId& repository) {
  VARVE_ASSIGN_OR_RETURN(const QuotaListing listing, ListQuotas(storage, repository));
  if (!listing.table) return {};
  const QuotaTable& table = *listing.table;
  for (const DamagedQuotaFile& file : listing.damage) {
    // What is there and damaged is left for repair, which keeps it.
    const bool counts =
        file.path == QuotaTablePath(table.id) || file.path == QuotaTableCopyPath(table.id);
    if (file.status.code() != Code::kNotFound) return {};
    if (counts) {
      VARVE_RETURN_IF_ERROR(storage.Publish(file.path, EncodeQuotaTable(table, repository)));
    }
  }
  return RemoveOthers(storage, listing, table.id);
}

uint64_t QuotaUse(const VolumeQuota& quota, const std::vector<SnapshotRecord>& records) {
  uint64_t use = quota.measured_bytes;
  for (const SnapshotRecord& record : records) {
    if (record.volume_name != quota.volume_name) continue;
    if (record.sequence <= quota.measured_sequence) continue;
    use += record.statistics.bytes_stored + record.statistics.bytes_reused;
  }
  return use;
}

}  // namespace varve
