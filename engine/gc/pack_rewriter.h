// Copies living frames to new packs, as they are encoded, and publishes these. Every frame is
// checked against its header and checksum on the way. Thread-compatible.
#pragma once

#include <memory>
#include <vector>

#include "base/random.h"
#include "io/storage.h"
#include "store/frame_opener.h"
#include "store/index.h"
#include "store/pack_writer.h"

namespace varve {

class PackRewriter {
 public:
  // All borrowed. The index learns of each new pack when it is durable.
  PackRewriter(Storage& storage, Index& index, Random& random, const RepositoryId& repository)
      : storage_(storage),
        index_(index),
        random_(random),
        repository_(repository),
        opener_(storage) {}

  // Corruption if one of the frames is damaged: then nothing of the pack is taken over, and it must
  // stay.
  Status Copy(const PackId& pack, PackContent content, const std::vector<PlacedFrame>& frames);
  // Publishes what is not yet published. Beyond it all copies are durable.
  Status Finish();

  uint64_t bytes_written() const { return bytes_written_; }
  uint64_t packs_written() const { return packs_written_; }

 private:
  Result<Bytes> Open(const PackId& pack, const PlacedFrame& frame, MutableByteSpan stored,
                     FrameInfo* info);
  Status Publish(PackWriter& pack);

  Storage& storage_;
  Index& index_;
  Random& random_;
  const RepositoryId repository_;
  FrameOpener opener_;
  std::unique_ptr<PackWriter> writers_[2];  // by content
  uint64_t bytes_written_ = 0;
  uint64_t packs_written_ = 0;
};

}  // namespace varve
