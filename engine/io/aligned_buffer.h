// A buffer for O_DIRECT: 2 MiB-aligned, on transparent huge pages where it is that large (a 1 MiB
// read into 4 KiB pages is split by the block layer at 254 segments). Move-only, owns its memory,
// reused rather than reallocated. Thread-compatible.
#pragma once

#include <cstddef>
#include <utility>

#include "base/bytes.h"

namespace varve {

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  // At least `size_bytes`, rounded up to 4 KiB; contents are zero.
  explicit AlignedBuffer(size_t size_bytes);
  ~AlignedBuffer();
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  MutableByteSpan span() { return {data_, size_}; }
  ByteSpan span() const { return {data_, size_}; }

 private:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace varve
