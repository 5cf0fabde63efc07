// When each pack was last looked at (FORMAT.md, "Damage"): what a scrub needs to go on where the
// last one ended and to begin with what was not looked at for longest. A hint: without it a scrub
// starts anew.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/ids.h"
#include "base/status.h"

namespace varve {

struct PackVerified {
  uint64_t pass = 0;    // the number of the pass that looked at it
  int64_t unix_ns = 0;  // when, for people
  friend bool operator==(const PackVerified&, const PackVerified&) = default;
};

struct ScrubState {
  uint64_t pass = 1;  // the pass at work; every pack that has this number is done
  std::map<PackId, PackVerified> packs;
  friend bool operator==(const ScrubState&, const ScrubState&) = default;
};

inline constexpr uint64_t kScrubStateBytesMax = uint64_t{256} << 20;

Bytes EncodeScrubState(const ScrubState& state, const RepositoryId& repository);
// Corruption for anything that EncodeScrubState did not make for this repository.
Result<ScrubState> DecodeScrubState(const std::string& name, ByteSpan bytes,
                                    const RepositoryId& repository);

}  // namespace varve
