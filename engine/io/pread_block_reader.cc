#include "io/pread_block_reader.h"

#include <vector>

#include "base/limits.h"
#include "io/aligned_buffer.h"

namespace varve {
namespace {

class PreadBlockReader : public BlockReader {
 public:
  PreadBlockReader(VolumeFile file, uint64_t size_bytes, const BlockReaderOptions& options)
      : file_(std::move(file)), size_bytes_(size_bytes), slot_bytes_(options.slot_bytes) {
    for (size_t i = 0; i < options.slots; ++i) {
      slots_.push_back({.buffer = AlignedBuffer(options.slot_bytes)});
    }
  }

  Status Start(size_t slot, uint64_t offset, size_t length) override {
    const BlockRun run{offset, length};
    return StartRuns(slot, {&run, 1});
  }

  Status StartRuns(size_t slot, std::span<const BlockRun> runs) override {
    VARVE_CHECK(slot < slots_.size() && !slots_[slot].started);
    VARVE_RETURN_IF_ERROR(CheckBlockRuns(file_.name, size_bytes_, slot_bytes_, runs));
    slots_[slot].runs.assign(runs.begin(), runs.end());
    slots_[slot].started = true;
    return OkStatus();
  }

  Result<ByteSpan> Wait(size_t slot) override {
    VARVE_CHECK(slot < slots_.size() && slots_[slot].started);
    Slot& range = slots_[slot];
    range.started = false;
    const uint64_t first = range.runs.front().offset;
    for (const BlockRun& run : range.runs) {
      const MutableByteSpan memory =
          range.buffer.span().subspan(run.offset - first, RoundUp(run.length, kDirectAlignment));
      VARVE_RETURN_IF_ERROR(ReadVolumeRange(file_, run.offset, memory, run.length));
    }
    const BlockRun& last = range.runs.back();
    return ByteSpan(range.buffer.span()).first(last.offset + last.length - first);
  }

  std::string Name() const override { return "pread"; }

 private:
  struct Slot {
    AlignedBuffer buffer;
    std::vector<BlockRun> runs;
    bool started = false;
  };

  const VolumeFile file_;
  const uint64_t size_bytes_;
  const size_t slot_bytes_;
  std::vector<Slot> slots_;
};

}  // namespace

std::unique_ptr<BlockReader> NewPreadBlockReader(VolumeFile file, uint64_t size_bytes,
                                                 const BlockReaderOptions& options) {
  return std::make_unique<PreadBlockReader>(std::move(file), size_bytes, options);
}

}  // namespace varve
