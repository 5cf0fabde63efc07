// A bounded cache of descriptors that are open for reading, by path; the least recently used one is
// closed when a new one does not fit. A descriptor in use outlives its place in the cache.
// Thread-safe; files are opened and closed outside of its lock.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "io/file_descriptor.h"
#include "io/rooted_directory.h"

namespace varve {

class OpenFileCache {
 public:
  using Handle = std::shared_ptr<const FileDescriptor>;

  // `root` is borrowed. `flags` go to openat(2) beside O_RDONLY.
  OpenFileCache(const RootedDirectory& root, size_t capacity, int flags = 0)
      : root_(root), capacity_(capacity), flags_(flags) {}

  // Null and errno if the file cannot be opened.
  Handle Get(const std::string& path);
  void Forget(const std::string& path);

 private:
  struct Entry {
    std::string path;
    Handle handle;
  };
  using Order = std::list<Entry>;

  Handle Find(const std::string& path);

  const RootedDirectory& root_;
  const size_t capacity_;
  const int flags_;
  std::mutex mutex_;
  Order order_;                                              // guarded by mutex_; most recent first
  std::unordered_map<std::string, Order::iterator> places_;  // guarded by mutex_
  uint64_t forgotten_ = 0;                                   // guarded by mutex_; counts Forget
};

}  // namespace varve
