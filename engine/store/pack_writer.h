// Builds one pack in memory: frames are appended, then it is finished into the bytes of a pack.
// Twin of PackReader. Thread-compatible; the buffer is reused for the next pack.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "format/pack_format.h"
#include "io/aligned_buffer.h"

namespace varve {

class PackWriter {
 public:
  // `capacity_bytes` bounds what Append may bring.
  PackWriter(PackContent content, const RepositoryId& repository, size_t capacity_bytes);

  // Begins a new, empty pack.
  void Begin(const PackId& id);
  // Room for frames of `bytes` more, footer and trailer included?
  bool Fits(size_t bytes, size_t frame_count) const;
  // Appends frames that lie ready, headers and stored bytes, back to back. They must fit.
  void Append(ByteSpan frames_bytes, std::span<const FrameInfo> frames);
  // Adds footer and trailer and returns the whole pack. Checks the header and the stored checksum
  // of every frame once more, on the very bytes that will be written: Corruption would mean that
  // memory is failing, and the pack must not become visible.
  Result<ByteSpan> Finish();

  bool empty() const { return frames_.empty(); }
  size_t size_bytes() const { return used_; }
  const PackId& id() const { return header_.id; }
  PackContent content() const { return header_.content; }
  const std::vector<FrameInfo>& frames() const { return frames_; }

 private:
  PackHeader header_;
  AlignedBuffer buffer_;
  size_t used_ = 0;
  size_t footer_bytes_ = 0;
  std::vector<FrameInfo> frames_;
};

// Checks that `frame` (header and stored bytes) is whole and is what `info` says.
Status CheckStoredFrame(const std::string& name, uint64_t offset, ByteSpan frame,
                        const FrameInfo& info);

}  // namespace varve
