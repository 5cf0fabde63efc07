// Requests that must be answered in time although what they need may hang (a disk or a network
// file system below the repository). Whoever answers first wins: the thread that does the work, or
// the watch when the time is over. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace varve {

class RequestDeadlines {
 public:
  // `expire` answers a request for which the time is over.
  RequestDeadlines(std::chrono::milliseconds time_limit, size_t stuck_max);
  // No request may be under way.
  ~RequestDeadlines();

  // Watches a request until Finish. 0 if it should be refused at once: so many hang already that
  // one more would only take another thread.
  uint64_t Begin(std::function<void()> expire);
  // True if the caller is to answer it; false if that was done already.
  bool Finish(uint64_t ticket);

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  struct Request {
    TimePoint deadline;
    std::function<void()> expire;  // null once it expired
  };
  void Watch();

  const std::chrono::milliseconds time_limit_;
  const size_t stuck_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // By ticket, so by deadline too. Guarded by mutex_, like all below.
  std::map<uint64_t, Request> requests_;
  uint64_t last_ticket_ = 0;
  size_t stuck_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace varve
