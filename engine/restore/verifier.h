// Proves that a snapshot can be read back, as deep as one asks for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/status.h"
#include "format/snapshot_record.h"
#include "repo/repository.h"
#include "store/damaged_frames.h"

namespace varve {

enum class VerifyLevel {
  kStructure,  // the whole tree, every node by its id; every chunk has a place in a pack that
               // exists
  kStored,     // and every frame's stored bytes match their checksums
  kFull,       // and every chunk decodes to bytes with its fingerprint and its id
};

// A range of the volume that cannot be read back, and why.
struct HurtRange {
  uint64_t begin = 0;
  uint64_t end = 0;  // exclusive
  std::string why;
};

struct VerifyReport {
  uint64_t chunks_verified = 0;
  uint64_t bytes_verified = 0;  // of the volume, zeros and holes not counted
  // Neighbouring ranges with the same reason are merged; ascending.
  std::vector<HurtRange> hurt;
};

// The returned status is a failure to look (the index, an interrupt); damage is in the report.
// `known_damage` counts at level kStructure, which does not read chunks itself.
Result<VerifyReport> VerifySnapshot(Repository& repository, const SnapshotRecord& record,
                                    VerifyLevel level, Progress& progress,
                                    const DamagedFrames& known_damage = {});

}  // namespace varve
