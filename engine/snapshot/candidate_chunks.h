// The gate in front of every change source (engine.md, "What may have changed"): what it claims is
// believed only for the very parent, volume and size it was made for, and a random sample of what
// it calls unchanged is read all the same. Doubt means everything (R8).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "format/node_format.h"
#include "format/snapshot_record.h"
#include "volume/change_claim.h"

namespace varve {

// Which chunks are looked at. All others are taken over from the parent.
struct CandidateChunks {
  ExtentSet changed;              // indexes of chunks that may have changed
  std::vector<uint64_t> sampled;  // of the others, ascending: must be found equal

  // The first leaf at or after `leaf` with a chunk to look at.
  std::optional<uint64_t> NextLeaf(uint64_t leaf) const;
  // Bit i stands for chunk i of the leaf.
  uint64_t ChangedOf(uint64_t leaf) const;
  uint64_t SampledOf(uint64_t leaf) const;
};
static_assert(kLeafChunks == 64, "a leaf's chunks are the bits of one word");

// Why the claim cannot be used for a snapshot of `volume_name` with this geometry and parent, in
// words; nothing if it can.
std::optional<std::string> RefuseClaim(const ChangeClaim& claim,
                                       const std::optional<SnapshotRecord>& parent,
                                       const std::string& volume_name,
                                       const TreeGeometry& geometry);

// The chunks that hold the claim's extents, and the sample: one in 1,000 of the other chunks, at
// least 16, at most 16,384; none for what varve tracked itself.
CandidateChunks PlanCandidates(const ChangeClaim& claim, const TreeGeometry& geometry,
                               Random& random);

}  // namespace varve
