// Draws a Progress on the terminal for as long as it exists: share, rate, time left. Draws nothing
// when stderr is no terminal.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/progress.h"
#include "console.h"

namespace varve::cli {

class ProgressMeter {
 public:
  // Both are borrowed.
  ProgressMeter(const Progress& progress, Console& console);
  ~ProgressMeter();
  ProgressMeter(const ProgressMeter&) = delete;
  ProgressMeter& operator=(const ProgressMeter&) = delete;

 private:
  void Draw();

  const Progress& progress_;
  Console& console_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stop_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace varve::cli
