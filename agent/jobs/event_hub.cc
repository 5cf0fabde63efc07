#include "agent/jobs/event_hub.h"

#include <utility>

namespace varve::agent {

uint64_t EventHub::Follow(std::function<void(const Event&)> follower) {
  const std::lock_guard lock(mutex_);
  followers_.emplace(++last_follower_, std::move(follower));
  return last_follower_;
}

void EventHub::Unfollow(uint64_t number) {
  const std::lock_guard lock(mutex_);
  followers_.erase(number);
}

void EventHub::Publish(Event event) {
  const std::lock_guard lock(mutex_);
  event.number = ++last_event_;
  for (const auto& [number, follower] : followers_)
    follower(event);
}

}  // namespace varve::agent
