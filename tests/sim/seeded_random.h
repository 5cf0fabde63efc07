// Random whose every byte follows from the seed. Thread-safe.
#pragma once

#include <mutex>
#include <random>

#include "base/random.h"

namespace varve {

class SeededRandom : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : random_(seed) {}
  void Fill(MutableByteSpan bytes) override {
    const std::lock_guard lock(mutex_);
    for (uint8_t& byte : bytes)
      byte = static_cast<uint8_t>(random_());
  }

 private:
  std::mutex mutex_;
  std::mt19937_64 random_;
};

}  // namespace varve
