// Things that are open, as the numbers by which the kernel calls them. Whatever the kernel did not
// close when the mount ended goes with this. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace varve {

template <typename T>
class OpenHandles {
 public:
  uint64_t Add(std::unique_ptr<T> opened) {
    const auto number = reinterpret_cast<uint64_t>(opened.get());
    const std::lock_guard lock(mutex_);
    open_[number] = std::move(opened);
    return number;
  }
  // Of a number that Add returned and Close did not get yet.
  static T& Get(uint64_t number) { return *reinterpret_cast<T*>(number); }
  void Close(uint64_t number) {
    std::unique_ptr<T> closed;  // destroyed without the lock
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(number);
    if (found == open_.end()) return;
    closed = std::move(found->second);
    open_.erase(found);
  }

 private:
  std::mutex mutex_;
  std::unordered_map<uint64_t, std::unique_ptr<T>> open_;  // guarded by mutex_
};

}  // namespace varve
