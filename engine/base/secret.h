// Key material in memory: locked so that it is not swapped out, left out of core dumps, wiped when
// it is over, never copied by accident and never printed.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace varve {

// Bytes of a fixed size that nobody else sees. Whoever makes the first one of a process makes the
// process undumpable for good: no core file, no ptrace by its own user.
// Move-only; thread-compatible.
class Secret {
 public:
  Secret() = default;
  // All zero; to be filled.
  explicit Secret(size_t size_bytes);
  static Secret Copy(ByteSpan bytes);
  ~Secret();
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  ByteSpan span() const { return {data_, size_}; }
  MutableByteSpan span() { return {data_, size_}; }
  // Forgets what is behind the first `size_bytes`.
  void Shrink(size_t size_bytes);
  // False if the kernel refused to lock the memory (RLIMIT_MEMLOCK): it may be swapped out then.
  bool locked() const { return locked_; }

 private:
  void Wipe();

  uint8_t* data_ = nullptr;
  size_t size_ = 0;
  size_t mapped_ = 0;
  bool locked_ = false;
};

// A key for one pack or object, made from a Secret for a short time. A value; wipes itself.
struct DerivedKey {
  std::array<uint8_t, 32> bytes{};

  DerivedKey() = default;
  DerivedKey(const DerivedKey&) = default;
  DerivedKey& operator=(const DerivedKey&) = default;
  ~DerivedKey();
};

}  // namespace varve
