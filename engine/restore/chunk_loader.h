// Loads chunks of one leaf in one go: decoded, and verified by fingerprint before anybody sees them
// (R5). Thread-compatible: one per worker.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/content_hasher.h"
#include "base/fingerprint.h"
#include "base/status.h"
#include "format/node_format.h"
#include "store/frame_reader.h"

namespace varve {

// One chunk that somebody wants.
struct ChunkRequest {
  ChunkRef chunk;  // not zero
  // Where it goes; exactly its length.
  MutableByteSpan into;
  Status status;  // out
};

class ChunkLoader {
 public:
  enum class Check { kFingerprint, kFingerprintAndId };

  ChunkLoader(Storage& storage, Index& index, const FingerprintSecret& secret, const IdKey& id_key,
              PackPages pages = PackPages::kCached)
      : frames_(storage, index, pages), secret_(secret), hasher_(id_key) {}

  // Each request gets its own status; bytes of one that failed are not to be used. The returned
  // status is a failure of the index.
  Status Load(std::span<ChunkRequest> requests, Check check = Check::kFingerprint);

  uint64_t bytes_read() const { return frames_.bytes_read(); }

 private:
  FrameReader frames_;
  const FingerprintSecret secret_;
  ContentHasher hasher_;
  std::vector<FrameRequest> frame_requests_;
};

}  // namespace varve
