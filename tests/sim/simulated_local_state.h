// A LocalState in memory: the lock is a flag, the index outlives those who open it. It can be lost,
// as a disk loses it, or be as it was before (an older index is what a crash leaves of RocksDB).
// Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "repo/local_state.h"
#include "store/memory_index.h"

namespace varve {

class SimulatedLocalState : public LocalState {
 public:
  SimulatedLocalState() = default;

  Result<std::unique_ptr<HeldLock>> TryLock(const std::string& name, LockLife life) override;
  Result<std::unique_ptr<WriterLock>> AcquireWriterLock(const std::string& purpose) override;
  Result<std::unique_ptr<Index>> OpenIndex(const RepositoryId& repository, IndexMode mode) override;
  Status DestroyIndex() override;
  Result<std::vector<std::string>> VerifyIndex() override { return std::vector<std::string>(); }

  // As it is now, without the locks: what another process after this one finds.
  std::unique_ptr<SimulatedLocalState> Clone() const;
  void LoseIndex();

 private:
  friend class SimulatedWriterLock;
  friend class SimulatedHeldLock;

  mutable std::mutex mutex_;
  std::shared_ptr<MemoryIndex> index_;  // guarded by mutex_
  std::string holder_;                  // guarded by mutex_; empty: not locked
  std::set<std::string> held_;          // guarded by mutex_; named locks
};

}  // namespace varve
