// The tree of the snapshot before, as a source of what need not be done again. It is of use and
// never needed: what cannot be read of it is as if the snapshot had nothing there, and is
// remembered, so that whoever asks can say so aloud. Thread-safe.
#pragma once

#include <memory>
#include <mutex>

#include "base/status.h"
#include "tree/tree_reader.h"

namespace varve {

class OlderTree {
 public:
  // The reader is borrowed.
  explicit OlderTree(TreeReader& tree) : tree_(tree) {}

  const TreeGeometry& geometry() const { return tree_.geometry(); }
  // The node at a position; null if the tree has none there that is not zero, or if it is damaged.
  std::shared_ptr<const TreeNode> Node(uint32_t level, uint64_t index);
  // How its parent names it; zero likewise.
  NodeRef Reference(uint32_t level, uint64_t index);

  // The first thing that could not be read; ok if there was none.
  Status damage() const;

 private:
  bool Has(uint32_t level, uint64_t index) const;
  void NoteDamage(const Status& damage);

  TreeReader& tree_;
  mutable std::mutex mutex_;
  Status damage_;  // guarded by mutex_
};

}  // namespace varve
