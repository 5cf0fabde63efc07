// Lets those who change overlapping ranges of a volume do so one after the other, without any lock
// held while they do. Thread-safe.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <utility>

namespace varve {

class RangeGate {
  struct Range {
    uint64_t begin;
    uint64_t end;
  };

 public:
  // The range is its holder's until this is destroyed.
  class Pass {
   public:
    Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)), at_(other.at_) {}
    Pass& operator=(Pass&&) = delete;
    ~Pass() {
      if (gate_ != nullptr) gate_->Leave(at_);
    }

   private:
    friend class RangeGate;
    Pass(RangeGate* gate, std::list<Range>::iterator at) : gate_(gate), at_(at) {}
    RangeGate* gate_;
    std::list<Range>::iterator at_;
  };

  // Waits until nobody else holds any of [begin, end).
  Pass Enter(uint64_t begin, uint64_t end) {
    std::unique_lock lock(mutex_);
    left_.wait(lock, [&] {
      return std::none_of(held_.begin(), held_.end(), [&](const Range& range) {
        return range.begin < end && begin < range.end;
      });
    });
    return Pass(this, held_.insert(held_.end(), {begin, end}));
  }

 private:
  void Leave(std::list<Range>::iterator at) {
    {
      const std::lock_guard lock(mutex_);
      held_.erase(at);
    }
    left_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable left_;
  std::list<Range> held_;  // guarded by mutex_; as many as there are threads at most
};

}  // namespace varve
