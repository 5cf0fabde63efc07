// Counts operations and says which of them fail: the Nth once, from the Nth on, all of a kind, or
// everything after the power went off. Thread-compatible: its owner's lock guards it.
#pragma once

#include <cerrno>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace varve {

enum class OperationKind {
  kCreate,
  kAppend,  // also the writes of a block device
  kSync,
  kRename,
  kRemove,
  kCreateDirectory,
  kSyncDirectory,
  kList,
  kSize,
  kRead,
  kFreeBytes,
};

// What reads changes nothing: a crash before or after it leaves the same bytes.
constexpr bool IsChange(OperationKind kind) {
  return kind <= OperationKind::kSyncDirectory;
}

struct Operation {
  OperationKind kind;
  std::string path;
};

struct Fault {
  // The Nth operation that matches fails, counted from 1 at the injection.
  uint64_t nth = 1;
  // So do all that match after it.
  bool sticky = false;
  int error_number = EIO;
  // A write puts half of its bytes before it fails.
  bool short_write = false;
  // Which operations count; empty: all.
  std::function<bool(const Operation&)> matches;

  // Any sync of a file or of a directory, from the nth on.
  static Fault OfSyncs(uint64_t nth, bool sticky);
  static Fault OfKind(OperationKind kind, uint64_t nth, bool sticky, int error_number = EIO);
};

class FaultInjector {
 public:
  void Inject(Fault fault) { faults_.push_back({std::move(fault), 0}); }
  void Clear() { faults_.clear(); }
  // Lets so many more changes happen; then the power is off and every operation fails.
  void FreezeAfter(uint64_t changes) { freeze_at_ = changes_ + changes; }
  bool frozen() const { return frozen_; }

  // Counts the operation; the fault that hits it, if one does.
  std::optional<Fault> Admit(const Operation& operation);

  uint64_t operations() const { return operations_; }
  uint64_t changes() const { return changes_; }

 private:
  struct Armed {
    Fault fault;
    uint64_t seen = 0;
  };

  std::vector<Armed> faults_;
  uint64_t operations_ = 0;
  uint64_t changes_ = 0;
  std::optional<uint64_t> freeze_at_;
  bool frozen_ = false;
};

}  // namespace varve
