// Turns chunks and nodes into frames: picks the encoding, encodes, decodes again and compares.
// Thread-compatible: one per worker; nothing is allocated per frame.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "codec/frame_codec.h"
#include "format/pack_format.h"
#include "io/aligned_buffer.h"

namespace varve {

// Frames that lie ready for a pack, back to back.
class FrameBatch {
 public:
  explicit FrameBatch(size_t capacity_bytes) : buffer_(capacity_bytes) {}
  void Clear() {
    used_ = 0;
    frames_.clear();
  }
  // A frame that is ready: header and stored bytes, checked. There must be room.
  void AppendStored(ByteSpan frame, const FrameInfo& info);
  bool empty() const { return frames_.empty(); }
  ByteSpan bytes() const { return buffer_.span().first(used_); }
  const std::vector<FrameInfo>& frames() const { return frames_; }

 private:
  friend class FrameWriter;
  AlignedBuffer buffer_;
  size_t used_ = 0;
  std::vector<FrameInfo> frames_;
};

// What a delta may stand on: the raw bytes of a frame that is not a delta.
struct DeltaBase {
  ContentId id;
  ByteSpan raw;
  // What the base takes where it is stored: the best guess for what the new frame would take.
  uint32_t stored_length = 0;
};

class FrameWriter {
 public:
  explicit FrameWriter(int compression_level);

  // Appends the frame of `raw`. `base` may be null. The batch must have room for the raw bytes and
  // a header. Corruption if decoding does not give `raw` again: memory or zstd is broken then.
  Status Append(ContentKind kind, const ContentId& id, ByteSpan raw, const DeltaBase* base,
                FrameBatch* batch);

 private:
  // Encodes behind the header of the frame, which has room for kDeltaHeaderBytes and the raw bytes,
  // and fills in encoding, base and stored length.
  void Encode(ByteSpan raw, const DeltaBase* base, uint8_t* frame, FrameInfo* info);
  Status Verify(const FrameInfo& info, ByteSpan stored, const DeltaBase* base, ByteSpan raw);

  FrameEncoder encoder_;
  FrameDecoder decoder_;
  AlignedBuffer decoded_;
};

// The policy (engine.md, "Deltas"): how many bytes a delta may take before the chunk is stored
// whole. Half of what the whole frame would take, guessed from its base's frame.
inline size_t DeltaLengthMax(size_t raw_length, uint32_t base_stored_length) {
  return std::min<size_t>(raw_length, base_stored_length) / 2;
}
// And a whole frame, before it is stored raw: decoding must be worth at least 1/32.
inline size_t WholeLengthMax(size_t raw_length) {
  return raw_length - raw_length / 32 - 1;
}

}  // namespace varve
