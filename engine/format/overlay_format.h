// The files of an overlay directory (FORMAT.md, "Overlay directory"): what the overlay belongs to,
// and the log of its block map. Pure functions and plain values; nothing read is trusted (R9).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/status.h"

namespace varve {

// What an overlay is an overlay of. It is worth nothing over any other bytes.
struct OverlayBinding {
  RepositoryId repository;
  SnapshotId snapshot;
  uint64_t size_bytes = 0;
  friend bool operator==(const OverlayBinding&, const OverlayBinding&) = default;
};

Bytes EncodeOverlayBinding(const OverlayBinding& binding);
Result<OverlayBinding> DecodeOverlayBinding(const std::string& name, ByteSpan object);

// Blocks [begin, end) of 4 KiB.
struct MapLogRange {
  uint64_t begin = 0;
  uint64_t end = 0;
  friend bool operator==(const MapLogRange&, const MapLogRange&) = default;
};

inline constexpr size_t kMapLogHeaderBytes = 64;

Bytes EncodeMapLogHeader(const SnapshotId& snapshot, uint64_t generation);
// `sequence` counts the records of one log from 0.
Bytes EncodeMapLogRecord(uint64_t sequence, const std::vector<MapLogRange>& ranges);

// All ranges of a log. Ends at a record that is not whole, as a power cut leaves one at the end;
// Corruption if a whole one follows after it, or if the header is not this snapshot's.
Result<std::vector<MapLogRange>> DecodeMapLog(const std::string& name, ByteSpan log,
                                              const SnapshotId& snapshot, uint64_t generation,
                                              uint64_t block_count);

}  // namespace varve
