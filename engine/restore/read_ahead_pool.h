// A few threads that load what will be wanted soon. Work that nobody depends on: it is dropped when
// too much waits already. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace varve {

class ReadAheadPool {
 public:
  // The threads begin with the first task. At most `waiting_max` tasks wait.
  ReadAheadPool(unsigned threads, size_t waiting_max)
      : thread_count_(threads), waiting_max_(waiting_max) {}
  // Every owner said Forget before.
  ~ReadAheadPool();

  void Offer(const void* owner, std::function<void()> task);
  // When this returns, no task of `owner` runs or will run.
  void Forget(const void* owner);

 private:
  struct Task {
    const void* owner = nullptr;
    std::function<void()> run;
  };
  void Work();

  const unsigned thread_count_;
  const size_t waiting_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> waiting_;          // guarded by mutex_, like all below
  std::vector<const void*> running_;  // owners
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace varve
