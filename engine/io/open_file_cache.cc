#include "io/open_file_cache.h"

#include <fcntl.h>

namespace varve {

OpenFileCache::Handle OpenFileCache::Find(const std::string& path) {
  const auto place = places_.find(path);
  if (place == places_.end()) return nullptr;
  order_.splice(order_.begin(), order_, place->second);
  return place->second->handle;
}

OpenFileCache::Handle OpenFileCache::Get(const std::string& path) {
  uint64_t forgotten = 0;
  {
    const std::lock_guard lock(mutex_);
    if (Handle handle = Find(path)) return handle;
    forgotten = forgotten_;
  }
  FileDescriptor opened(root_.Open(path, O_RDONLY | flags_));
  if (!opened.valid()) return nullptr;
  auto handle = std::make_shared<const FileDescriptor>(std::move(opened));
  Handle evicted;  // closed after the lock is released
  const std::lock_guard lock(mutex_);
  if (Handle other = Find(path)) return other;  // somebody else was faster
  // What was opened before a Forget may be the file that was to be forgotten: use it, once.
  if (forgotten_ != forgotten) return handle;
  order_.push_front({path, handle});
  places_[path] = order_.begin();
  if (order_.size() > capacity_) {
    evicted = std::move(order_.back().handle);
    places_.erase(order_.back().path);
    order_.pop_back();
  }
  return handle;
}

void OpenFileCache::Forget(const std::string& path) {
  Handle dropped;  // closed after the lock is released
  const std::lock_guard lock(mutex_);
  ++forgotten_;
  const auto place = places_.find(path);
  if (place == places_.end()) return;
  dropped = std::move(place->second->handle);
  order_.erase(place->second);
  places_.erase(place);
}

}  // namespace varve
