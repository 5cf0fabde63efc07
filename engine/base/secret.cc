#include "base/secret.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cstring>
#include <mutex>
#include <utility>

#include "base/limits.h"
#include "base/status.h"

namespace varve {
namespace {

void ForbidDumps() {
  static std::once_flag once;
  std::call_once(once, [] {
    VARVE_CHECK(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
    const rlimit none{0, 0};
    VARVE_CHECK(setrlimit(RLIMIT_CORE, &none) == 0);
  });
}

}  // namespace

Secret::Secret(size_t size_bytes) : size_(size_bytes) {
  ForbidDumps();
  if (size_bytes == 0) return;
  // Pages of its own: a lock counts by pages, and its end must not unlock a neighbour.
  mapped_ = RoundUp(size_bytes, 4 * kKiB);
  void* const pages =
      mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  VARVE_CHECK(pages != MAP_FAILED);
  data_ = static_cast<uint8_t*>(pages);
  locked_ = mlock(data_, mapped_) == 0;
  static_cast<void>(madvise(data_, mapped_, MADV_DONTDUMP));
}

Secret Secret::Copy(ByteSpan bytes) {
  Secret secret(bytes.size());
  if (!bytes.empty()) std::memcpy(secret.data_, bytes.data(), bytes.size());
  return secret;
}

Secret::~Secret() {
  Wipe();
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      mapped_(std::exchange(other.mapped_, 0)),
      locked_(std::exchange(other.locked_, false)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  Wipe();
  data_ = std::exchange(other.data_, nullptr);
  size_ = std::exchange(other.size_, 0);
  mapped_ = std::exchange(other.mapped_, 0);
  locked_ = std::exchange(other.locked_, false);
  return *this;
}

void Secret::Shrink(size_t size_bytes) {
  VARVE_CHECK(size_bytes <= size_);
  if (size_bytes < size_) explicit_bzero(data_ + size_bytes, size_ - size_bytes);
  size_ = size_bytes;
}

void Secret::Wipe() {
  if (data_ == nullptr) return;
  explicit_bzero(data_, mapped_);
  munmap(data_, mapped_);  // unlocks too
  data_ = nullptr;
  size_ = mapped_ = 0;
}

DerivedKey::~DerivedKey() {
  explicit_bzero(bytes.data(), bytes.size());
}

}  // namespace varve
