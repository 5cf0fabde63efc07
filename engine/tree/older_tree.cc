#include "tree/older_tree.h"

namespace varve {

bool OlderTree::Has(uint32_t level, uint64_t index) const {
  return level <= geometry().root_level() && index < geometry().NodeCount(level);
}

void OlderTree::NoteDamage(const Status& damage) {
  const std::lock_guard lock(mutex_);
  if (damage_.ok()) damage_ = damage;
}

Status OlderTree::damage() const {
  const std::lock_guard lock(mutex_);
  return damage_;
}

std::shared_ptr<const TreeNode> OlderTree::Node(uint32_t level, uint64_t index) {
  if (!Has(level, index)) return nullptr;
  const auto node = tree_.Node(level, index);
  if (node.ok()) return (*node)->id.IsZero() ? nullptr : *node;
  NoteDamage(node.status());
  return nullptr;
}

NodeRef OlderTree::Reference(uint32_t level, uint64_t index) {
  if (!Has(level, index)) return {};
  const Result<NodeRef> reference = tree_.Reference(level, index);
  if (reference.ok()) return *reference;
  NoteDamage(reference.status());
  return {};
}

}  // namespace varve
