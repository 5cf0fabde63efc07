// Tells followers what happened, to all of them in the same order.
//
// Thread-safe. Followers run one at a time on the thread that publishes, under the hub's lock: it
// is what makes the order. They must be quick and must not call the hub.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace varve::agent {

// Something that happened: "job", "backup" or "restore" with the new status, "phase" with what a
// job does now, "log" with a line.
struct Event {
  uint64_t number = 0;  // ascending from 1 since the agent's start
  std::string type;
  std::string subject_id;  // a job's id for "job" and "phase", else the record's
  std::string addon_id;
  std::string text;
};

class EventHub {
 public:
  // The number to stop following with. After Unfollow() returns the follower is not called again.
  uint64_t Follow(std::function<void(const Event&)> follower);
  void Unfollow(uint64_t number);
  void Publish(Event event);

 private:
  std::mutex mutex_;
  uint64_t last_event_ = 0;
  uint64_t last_follower_ = 0;
  std::map<uint64_t, std::function<void(const Event&)>> followers_;
};

}  // namespace varve::agent
