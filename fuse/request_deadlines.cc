#include "fuse/request_deadlines.h"

#include <utility>
#include <vector>

#include "base/status.h"

namespace varve {

RequestDeadlines::RequestDeadlines(std::chrono::milliseconds time_limit, size_t stuck_max)
    : time_limit_(time_limit), stuck_max_(stuck_max), thread_([this] { Watch(); }) {}

RequestDeadlines::~RequestDeadlines() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

uint64_t RequestDeadlines::Begin(std::function<void()> expire) {
  const TimePoint deadline = std::chrono::steady_clock::now() + time_limit_;
  const std::lock_guard lock(mutex_);
  if (stuck_ >= stuck_max_) return 0;
  requests_.emplace_hint(requests_.end(), ++last_ticket_, Request{deadline, std::move(expire)});
  return last_ticket_;
}

bool RequestDeadlines::Finish(uint64_t ticket) {
  const std::lock_guard lock(mutex_);
  const auto request = requests_.find(ticket);
  VARVE_CHECK(request != requests_.end());
  const bool ours = request->second.expire != nullptr;
  if (!ours) --stuck_;
  requests_.erase(request);
  return ours;
}

// Looks every now and then; the limit is tens of seconds, so nobody waits on it being exact.
void RequestDeadlines::Watch() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    changed_.wait_for(lock, time_limit_ / 20, [&] { return stopping_; });
    const TimePoint now = std::chrono::steady_clock::now();
    std::vector<std::function<void()>> expired;
    for (auto& [ticket, request] : requests_) {
      if (request.deadline > now) break;
      if (request.expire == nullptr) continue;
      // From here on the request is ours to answer.
      expired.push_back(std::exchange(request.expire, nullptr));
      ++stuck_;
    }
    lock.unlock();
    for (const auto& expire : expired)
      expire();
    lock.lock();
  }
}

}  // namespace varve
