#include "restore/read_ahead_pool.h"

#include <algorithm>

#include "base/status.h"

namespace varve {

ReadAheadPool::~ReadAheadPool() {
  {
    const std::lock_guard lock(mutex_);
    VARVE_CHECK(waiting_.empty());
    stopping_ = true;
    changed_.notify_all();
  }
  for (std::thread& thread : threads_)
    thread.join();
}

void ReadAheadPool::Offer(const void* owner, std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= waiting_max_) return;
  while (threads_.size() < thread_count_)
    threads_.emplace_back([this] { Work(); });
  waiting_.push_back({owner, std::move(task)});
  changed_.notify_all();
}

void ReadAheadPool::Forget(const void* owner) {
  std::unique_lock lock(mutex_);
  std::erase_if(waiting_, [&](const Task& task) { return task.owner == owner; });
  changed_.wait(
      lock, [&] { return std::find(running_.begin(), running_.end(), owner) == running_.end(); });
}

void ReadAheadPool::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    Task task = std::move(waiting_.front());
    waiting_.pop_front();
    running_.push_back(task.owner);
    lock.unlock();
    task.run();
    task.run = nullptr;  // what it holds goes before anybody is told that it ended
    lock.lock();
    running_.erase(std::find(running_.begin(), running_.end(), task.owner));
    changed_.notify_all();
  }
}

}  // namespace varve
