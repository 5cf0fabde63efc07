// Brings the leaves that workers finish in any order into volume order and feeds the tree builder;
// fills what lies between them with zeros, or with the parent's leaves. Thread-safe. Bounded by the
// workers' leaves in flight.
#pragma once

#include <map>
#include <mutex>

#include "base/status.h"
#include "snapshot/leaf_scheduler.h"
#include "tree/tree_builder.h"

namespace varve {

// What the leaves are that no worker submits.
enum class Gaps { kZero, kUnchanged };

class TreeAssembly {
 public:
  TreeAssembly(const TreeGeometry& geometry, const IdKey& id_key, OlderTree* parent, Gaps gaps,
               TreeBuilder::StoreNode store)
      : geometry_(geometry),
        parent_(parent),
        gaps_(gaps),
        builder_(geometry, id_key, parent, std::move(store)) {}

  Status Submit(const LeafTask& task, const NodeRef& leaf);
  // After every task was submitted: the root.
  Result<NodeRef> Finish();

  // Chunks that had data in the parent and lie in a hole now. After Finish.
  uint64_t vanished_chunks() const { return vanished_chunks_; }

 private:
  Status AppendGapLocked(uint64_t end_leaf);

  const TreeGeometry geometry_;
  OlderTree* const parent_;
  const Gaps gaps_;
  std::mutex mutex_;
  TreeBuilder builder_;                                     // guarded by mutex_, like all below
  std::map<uint64_t, std::pair<uint64_t, NodeRef>> early_;  // ticket -> leaf that came too early
  uint64_t next_ticket_ = 0;
  uint64_t next_leaf_ = 0;
  uint64_t vanished_chunks_ = 0;
};

}  // namespace varve
