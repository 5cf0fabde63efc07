#include "sim/simulated_block_device.h"

#include <algorithm>

#include "base/limits.h"
#include "io/pread_block_reader.h"

namespace varve {
namespace {

constexpr const char* kName = "simulated device";

std::string Describe(const char* what, uint64_t offset, uint64_t length) {
  return std::string(kName) + ": " + what + " " + std::to_string(length) + " bytes at offset " +
         std::to_string(offset);
}

}  // namespace

SimulatedBlockDevice::SimulatedBlockDevice(Bytes content)
    : content_(std::move(content)), durable_(content_) {}

Status SimulatedBlockDevice::Put(uint64_t offset, ByteSpan bytes) {
  const std::lock_guard lock(mutex_);
  VARVE_RETURN_IF_ERROR(poisoned_);
  std::optional<Fault> fault = faults_.Admit({.kind = OperationKind::kAppend, .path = kName});
  size_t length = bytes.size();
  if (fault) length = fault->short_write ? length / 2 : 0;
  if (offset > content_.size() || length > content_.size() - offset) {
    fault = Fault{.error_number = ENOSPC};
    length = 0;
  }
  const ByteSpan written = bytes.first(length);
  std::copy(written.begin(), written.end(), content_.begin() + static_cast<ptrdiff_t>(offset));
  if (length > 0) unsynced_.push_back({offset, Bytes(written.begin(), written.end())});
  if (fault) {
    poisoned_ = Status::FromErrno(fault->error_number, Describe("writing", offset, bytes.size()));
  }
  return poisoned_;
}

Status SimulatedBlockDevice::Write(uint64_t offset, ByteSpan bytes) {
  return Put(offset, bytes);
}

Status SimulatedBlockDevice::WriteZeros(uint64_t offset, uint64_t length) {
  return Put(offset, Bytes(length, 0));
}

Status SimulatedBlockDevice::Sync() {
  const std::lock_guard lock(mutex_);
  VARVE_RETURN_IF_ERROR(poisoned_);
  const std::optional<Fault> fault = faults_.Admit({.kind = OperationKind::kSync, .path = kName});
  if (fault) {
    poisoned_ = Status::FromErrno(fault->error_number, std::string(kName) + ": syncing");
    if (!faults_.frozen()) unsynced_.clear();  // lost: no later Sync makes them durable
    return poisoned_;
  }
  for (const Unsynced& write : unsynced_) {
    std::copy(write.bytes.begin(), write.bytes.end(),
              durable_.begin() + static_cast<ptrdiff_t>(write.offset));
  }
  unsynced_.clear();
  return OkStatus();
}

Bytes SimulatedBlockDevice::Content() const {
  const std::lock_guard lock(mutex_);
  return content_;
}

std::unique_ptr<SimulatedBlockDevice> SimulatedBlockDevice::Crash(uint64_t seed,
                                                                  CrashMode mode) const {
  const std::lock_guard lock(mutex_);
  if (mode == CrashMode::kKeepAll) return std::make_unique<SimulatedBlockDevice>(content_);
  CrashRandom random(seed);
  Bytes after = durable_;
  for (const Unsynced& write : unsynced_) {
    if (mode == CrashMode::kLoseUnsynced || mode == CrashMode::kDirectoriesFirst) break;
    if (mode == CrashMode::kReordered && FlipCoin(random)) continue;
    const size_t end = write.offset + write.bytes.size();
    const size_t begin = RoundDown(write.offset, kSectorBytes);
    const MutableByteSpan piece = MutableByteSpan(after).subspan(begin, end - begin);
    const Bytes before(piece.begin(), piece.end());
    std::copy(write.bytes.begin(), write.bytes.end(),
              after.begin() + static_cast<ptrdiff_t>(write.offset));
    if (mode == CrashMode::kReordered) continue;
    LoseSectors(piece, before, write.offset - begin, end - begin, mode == CrashMode::kGarbled,
                random);
  }
  return std::make_unique<SimulatedBlockDevice>(std::move(after));
}

void SimulatedBlockDevice::Reopen() {
  const std::lock_guard lock(mutex_);
  poisoned_ = OkStatus();
}

void SimulatedBlockDevice::InjectFault(Fault fault) {
  const std::lock_guard lock(mutex_);
  faults_.Inject(std::move(fault));
}

void SimulatedBlockDevice::ClearFaults() {
  const std::lock_guard lock(mutex_);
  faults_.Clear();
}

void SimulatedBlockDevice::FreezeAfter(uint64_t changes) {
  const std::lock_guard lock(mutex_);
  faults_.FreezeAfter(changes);
}

bool SimulatedBlockDevice::frozen() const {
  const std::lock_guard lock(mutex_);
  return faults_.frozen();
}

uint64_t SimulatedBlockDevice::change_count() const {
  const std::lock_guard lock(mutex_);
  return faults_.changes();
}

void SimulatedBlockDevice::BreakSector(uint64_t sector) {
  const std::lock_guard lock(mutex_);
  broken_sectors_.push_back(sector);
}

Status SimulatedBlockDevice::ReadAt(uint64_t offset, MutableByteSpan into) const {
  const std::lock_guard lock(mutex_);
  const std::string what = Describe("reading", offset, into.size());
  if (const auto fault = faults_.Admit({.kind = OperationKind::kRead, .path = kName})) {
    return Status::FromErrno(fault->error_number, what);
  }
  for (const uint64_t sector : broken_sectors_) {
    const uint64_t begin = sector * kSectorBytes;
    if (begin + kSectorBytes <= offset || begin >= offset + into.size()) continue;
    return Status::FromErrno(EIO, what + ": offset " + std::to_string(std::max(begin, offset)));
  }
  std::copy_n(content_.begin() + static_cast<ptrdiff_t>(offset), into.size(), into.begin());
  return OkStatus();
}

uint64_t SimulatedBlockDevice::size_bytes() const {
  const std::lock_guard lock(mutex_);
  return content_.size();
}

std::optional<DataExtent> SimulatedBlockDevice::NextData(uint64_t offset) const {
  const std::lock_guard lock(mutex_);
  const auto is_zero = [&](uint64_t at) {
    const uint64_t end = std::min<uint64_t>(at + kDirectAlignment, content_.size());
    return IsAllZero(ByteSpan(content_).subspan(at, end - at));
  };
  uint64_t begin = RoundDown(offset, kDirectAlignment);
  while (begin < content_.size() && is_zero(begin))
    begin += kDirectAlignment;
  if (begin >= content_.size()) return std::nullopt;
  uint64_t end = begin;
  while (end < content_.size() && !is_zero(end))
    end += kDirectAlignment;
  return DataExtent{std::max(begin, offset), std::min<uint64_t>(end, content_.size())};
}

class SimulatedBlockReader : public BlockReader {
 public:
  SimulatedBlockReader(const SimulatedBlockDevice& device, const BlockReaderOptions& options)
      : device_(device), slot_bytes_(options.slot_bytes), slots_(options.slots) {}

  Status Start(size_t slot, uint64_t offset, size_t length) override {
    VARVE_CHECK(slot < slots_.size() && !slots_[slot].started);
    const BlockRun run{offset, length};
    VARVE_RETURN_IF_ERROR(CheckBlockRuns(kName, device_.content_.size(), slot_bytes_, {&run, 1}));
    slots_[slot].offset = offset;
    slots_[slot].bytes.resize(length);
    slots_[slot].started = true;
    return OkStatus();
  }

  Result<ByteSpan> Wait(size_t slot) override {
    VARVE_CHECK(slot < slots_.size() && slots_[slot].started);
    slots_[slot].started = false;
    VARVE_RETURN_IF_ERROR(device_.ReadAt(slots_[slot].offset, slots_[slot].bytes));
    return ByteSpan(slots_[slot].bytes);
  }

  std::string Name() const override { return "simulated"; }

 private:
  struct Slot {
    uint64_t offset = 0;
    Bytes bytes;
    bool started = false;
  };

  const SimulatedBlockDevice& device_;
  const size_t slot_bytes_;
  std::vector<Slot> slots_;
};

std::unique_ptr<BlockReader> SimulatedBlockDevice::NewReader(
    const BlockReaderOptions& options) const {
  return std::make_unique<SimulatedBlockReader>(*this, options);
}

}  // namespace varve
