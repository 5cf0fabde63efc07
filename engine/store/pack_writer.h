// Builds one pack in memory: frames are appended, then it is finished into the bytes of a pack.
// Twin of PackReader. Thread-compatible; the buffer is reused for the next pack.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "codec/seal.h"
#include "format/pack_format.h"
#include "io/aligned_buffer.h"
#include "io/sealing.h"

namespace varve {

class PackWriter {
 public:
  // `capacity_bytes` bounds what Append may bring. `sealing` is the storage's, borrowed: null for a
  // repository in the clear. (An encrypted one refuses to publish packs that are not sealed.)
  PackWriter(PackContent content, const RepositoryId& repository, size_t capacity_bytes,
             const Sealing* sealing = nullptr);

  // Begins a new, empty pack with a random id and, if it is to be sealed, a random salt.
  Status Begin(Random& random);
  // The same with an id that is chosen; only for packs in the clear.
  void Begin(const PackId& id);
  // Room for frames of `bytes` more, footer and trailer included?
  bool Fits(size_t bytes, size_t frame_count) const;
  // Appends frames that lie ready, headers and encoded bytes, back to back and not sealed. They
  // must fit.
  void Append(ByteSpan frames_bytes, std::span<const FrameInfo> frames);
  // Seals the frames if need be, adds footer and trailer and returns the whole pack. Checks the
  // header and the checksum of every frame once more, on the very bytes that will be written:
  // Corruption would mean that memory is failing, and the pack must not become visible.
  Result<ByteSpan> Finish();

  bool empty() const { return frames_.empty(); }
  size_t size_bytes() const { return used_; }
  const PackId& id() const { return header_.id; }
  PackContent content() const { return header_.content; }
  // As they will be stored: sealed, if the pack is.
  const std::vector<FrameInfo>& frames() const { return frames_; }

 private:
  // What a frame grows by when it is sealed.
  size_t SealBytes() const { return sealing_ == nullptr ? 0 : kSealTagBytes; }
  void BeginFrames();
  Status CheckFrame(const PlacedFrame& placed) const;

  PackHeader header_;
  const Sealing* const sealing_;
  DerivedKey key_;
  FrameCipher cipher_;
  AlignedBuffer buffer_;
  size_t used_ = 0;
  size_t footer_bytes_ = 0;
  std::vector<FrameInfo> frames_;
};

// Checks that `frame` (header and stored bytes) is whole and is what `info` says.
Status CheckStoredFrame(const std::string& name, uint64_t offset, ByteSpan frame,
                        const FrameInfo& info);

}  // namespace varve
