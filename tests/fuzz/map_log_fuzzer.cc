// The log of an overlay's map: whatever the bytes, no range outside of the volume and no crash.
#include <cstdlib>

#include "format/overlay_format.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr uint64_t kBlocks = 1000;
  varve::SnapshotId snapshot;
  snapshot.bytes.fill(9);
  // A good header before the input, so that the records are reached.
  varve::Bytes log = varve::EncodeMapLogHeader(snapshot, 3);
  varve::AppendBytes(log, {data, size});
  const auto ranges = varve::DecodeMapLog("map", log, snapshot, 3, kBlocks);
  if (ranges.ok()) {
    for (const varve::MapLogRange& range : *ranges) {
      if (range.begin >= range.end || range.end > kBlocks) std::abort();
    }
  }
  static_cast<void>(varve::DecodeMapLog("map", {data, size}, snapshot, 3, kBlocks));
  static_cast<void>(varve::DecodeOverlayBinding("overlay", {data, size}));
  return 0;
}
