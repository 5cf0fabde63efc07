// Randomness as an interface: the kernel's in production, a seeded sequence in tests.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace varve {

class Random {
 public:
  virtual ~Random() = default;
  // Fills `bytes`. Thread-safe.
  virtual void Fill(MutableByteSpan bytes) = 0;

  // getrandom(2): fit for keys.
  static Random& System();

  template <typename IdType>
  IdType NewId() {
    IdType id;
    Fill(id.bytes);
    return id;
  }
};

}  // namespace varve
