// One pack under a scrub's or a repair's eyes: every byte of it by checksum, and every frame to its
// id if one can decode.
#pragma once

#include <cstdint>
#include <vector>

#include "base/status.h"
#include "format/config_format.h"
#include "store/index.h"
#include "store/pack_reader.h"

namespace varve {

struct PackProbe {
  bool is_gone = false;  // it was removed before it could be read
  // Damage of frames names the offset of the frame's header and its id; other damage no id.
  std::vector<PackDamage> damage;
  // Every frame that footer or headers tell of, damaged or not.
  std::vector<PlacedFrame> frames;
  uint64_t frames_whole = 0;     // nothing is wrong with them
  uint64_t frames_unproved = 0;  // of these: deltas whose base cannot be read
};

// `index` finds the bases of deltas; null: stored checksums only. The returned status is a failure
// of the index; sectors that cannot be read are damage.
Result<PackProbe> ProbePack(Storage& storage, const RepositoryConfig& config, const PackId& pack,
                            Index* index);

}  // namespace varve
