#include "io/aligned_buffer.h"

#include <sys/mman.h>

#include "base/limits.h"
#include "base/status.h"

namespace varve {

AlignedBuffer::AlignedBuffer(size_t size_bytes) : size_(RoundUp(size_bytes, kDirectAlignment)) {
  if (size_ == 0) return;
  // mmap aligns to 4 KiB only: map one huge page more, and give back what sticks out.
  const size_t mapped = size_ + kHugePage;
  void* const start =
      mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  VARVE_CHECK(start != MAP_FAILED);  // out of address space: nothing sensible is left to do
  const auto address = reinterpret_cast<uintptr_t>(start);
  const uintptr_t aligned = RoundUp(address, kHugePage);
  const size_t before = aligned - address;
  const size_t after = mapped - before - size_;
  if (before != 0) munmap(start, before);
  if (after != 0) munmap(reinterpret_cast<void*>(aligned + size_), after);
  data_ = reinterpret_cast<uint8_t*>(aligned);
  // Advice: without huge pages everything still works, in more requests.
  if (size_ >= kHugePage) madvise(data_, size_, MADV_HUGEPAGE);
}

AlignedBuffer::~AlignedBuffer() {
  if (data_ != nullptr) munmap(data_, size_);
}

}  // namespace varve
