// Reads packs: what is in them (from the footer, or from the frame headers when the footer is
// damaged), and whether every byte is as it was written. Twin of PackWriter.
// Thread-safe: functions over a Storage.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "format/pack_format.h"
#include "io/storage.h"

namespace varve {

// "packs/7f/7f3a…"
std::string PackPath(const PackId& id);

struct PackListing {
  PackId id;
  uint64_t size_bytes = 0;
};
// All packs of a repository, sorted by id. A file there that has no pack's name is Corruption only
// for the caller who asks for `strangers`; otherwise it is passed over.
Result<std::vector<PackListing>> ListPacks(Storage& storage,
                                           std::vector<std::string>* strangers = nullptr);

// The frames of a pack by its footer; by its frame headers if the footer, the trailer or the pack's
// end is damaged or gives EIO. Corruption or Io if neither tells. `repository` guards against
// foreign packs; a pack in the clear is foreign to an encrypted repository.
Result<std::vector<PlacedFrame>> ReadPackFrames(Storage& storage, const PackId& id,
                                                const RepositoryId& repository);

// The salt of a sealed pack: of its header, or of its footer if the header is damaged.
Result<PackSalt> ReadPackSalt(Storage& storage, const PackId& id);

// The same by a whole footer alone: Corruption if it, or the header, is not as it was written. For
// who must not take a part of the frames for all of them.
Result<std::vector<PlacedFrame>> ReadPackFooter(Storage& storage, const PackId& id,
                                                const RepositoryId& repository);

// A piece of a pack that is not as it was written.
struct PackDamage {
  uint64_t offset = 0;
  std::string what;
  // The frame that lies there; zero id when it is header, footer or trailer.
  ContentId frame;
  ContentKind kind = ContentKind::kChunk;
  uint32_t raw_length = 0;
  // From `offset` on there were frames of which nothing is known.
  bool frames_missing = false;
};
// Reads every byte of a pack once and calls `on_damage` for each damaged piece. A Status of its own
// only when the pack cannot be read at all.
Status ScanPack(Storage& storage, const PackId& id, const RepositoryId& repository,
                const std::function<void(const PackDamage&)>& on_damage);

}  // namespace varve
