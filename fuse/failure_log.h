// Says what could not be served, once in a while: a reader that tries again and again must not fill
// a disk with lines. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "base/clock.h"

namespace varve {

class FailureLog {
 public:
  FailureLog(std::function<void(const std::string&)> write, const Clock& clock)
      : write_(std::move(write)), clock_(clock) {}

  // Writes `line`, unless the same was written within the last minute.
  void Note(const std::string& line);

 private:
  const std::function<void(const std::string&)> write_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, int64_t> written_ns_;  // guarded by mutex_
};

}  // namespace varve
