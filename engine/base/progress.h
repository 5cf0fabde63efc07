// How far a long operation is, and the wish that it stop. Written by the operation, read by
// whoever shows it. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>

namespace varve {

struct Progress {
  std::atomic<uint64_t> bytes_done{0};
  std::atomic<uint64_t> bytes_total{0};
  // Set by the user's interrupt; the operation answers with Cancelled soon.
  std::atomic<bool> cancelled{false};
};

}  // namespace varve
