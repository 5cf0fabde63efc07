#include "sim/simulated_local_state.h"

namespace varve {
namespace {

// An opened index: a window on the one that stays.
class IndexView : public Index {
 public:
  explicit IndexView(std::shared_ptr<MemoryIndex> index) : index_(std::move(index)) {}
  Status FindMany(std::span<const ContentId> ids,
                  std::vector<std::optional<Place>>* places) override {
    return index_->FindMany(ids, places);
  }
  Status Add(const PackId& pack, std::span<const PlacedFrame> frames) override {
    return index_->Add(pack, frames);
  }
  Result<std::vector<PackId>> Packs() override { return index_->Packs(); }
  Status Distrust(std::span<const ContentId> ids) override { return index_->Distrust(ids); }
  void SetCondemned(const std::set<PackId>& packs) override { index_->SetCondemned(packs); }
  Status Drop(const std::set<PackId>& packs) override { return index_->Drop(packs); }
  Status MarkProved(const SnapshotId& id) override { return index_->MarkProved(id); }
  Result<bool> IsProved(const SnapshotId& id) override { return index_->IsProved(id); }
  Status Flush() override { return {}; }

 private:
  const std::shared_ptr<MemoryIndex> index_;
};

}  // namespace

class SimulatedWriterLock : public WriterLock {
 public:
  explicit SimulatedWriterLock(SimulatedLocalState& state) : state_(state) {}
  ~SimulatedWriterLock() override {
    const std::lock_guard lock(state_.mutex_);
    state_.holder_.clear();
  }

 private:
  SimulatedLocalState& state_;
};

class SimulatedHeldLock : public HeldLock {
 public:
  SimulatedHeldLock(SimulatedLocalState& state, std::string name)
      : state_(state), name_(std::move(name)) {}
  ~SimulatedHeldLock() override {
    const std::lock_guard lock(state_.mutex_);
    state_.held_.erase(name_);
  }

 private:
  SimulatedLocalState& state_;
  const std::string name_;
};

Result<std::unique_ptr<HeldLock>> SimulatedLocalState::TryLock(const std::string& name, LockLife) {
  const std::lock_guard lock(mutex_);
  if (!held_.insert(name).second) return std::unique_ptr<HeldLock>();
  return std::unique_ptr<HeldLock>(std::make_unique<SimulatedHeldLock>(*this, name));
}

Result<std::unique_ptr<WriterLock>> SimulatedLocalState::AcquireWriterLock(
    const std::string& purpose) {
  const std::lock_guard lock(mutex_);
  if (!holder_.empty()) return Busy("the repository is being written by " + holder_);
  holder_ = purpose.empty() ? "somebody" : purpose;
  return std::unique_ptr<WriterLock>(std::make_unique<SimulatedWriterLock>(*this));
}

Result<std::unique_ptr<Index>> SimulatedLocalState::OpenIndex(const RepositoryId&, IndexMode mode) {
  const std::lock_guard lock(mutex_);
  if (index_ == nullptr) {
    if (mode == IndexMode::kReader) return NotFound("index: is missing");
    index_ = std::make_shared<MemoryIndex>();
  }
  return std::unique_ptr<Index>(std::make_unique<IndexView>(index_));
}

Status SimulatedLocalState::DestroyIndex() {
  LoseIndex();
  return {};
}

std::unique_ptr<SimulatedLocalState> SimulatedLocalState::Clone() const {
  auto clone = std::make_unique<SimulatedLocalState>();
  const std::lock_guard lock(mutex_);
  if (index_ != nullptr) clone->index_ = index_->Clone();
  return clone;
}

void SimulatedLocalState::LoseIndex() {
  const std::lock_guard lock(mutex_);
  index_.reset();
}

}  // namespace varve
