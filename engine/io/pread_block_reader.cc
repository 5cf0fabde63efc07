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
    VARVE_CHECK(slot < slots_.size() && !slots_[slot].started);
    VARVE_RETURN_IF_ERROR(CheckBlockRange(file_.name, size_bytes_, slot_bytes_, offset, length));
    slots_[slot].offset = offset;
    slots_[slot].length = length;
    slots_[slot].started = true;
    return OkStatus();
  }

  Result<ByteSpan> Wait(size_t slot) override {
    VARVE_CHECK(slot < slots_.size() && slots_[slot].started);
    Slot& range = slots_[slot];
    range.started = false;
    const size_t whole_blocks = RoundUp(range.length, kDirectAlignment);
    VARVE_RETURN_IF_ERROR(ReadVolumeRange(file_, range.offset,
                                          range.buffer.span().first(whole_blocks), range.length));
    return ByteSpan(range.buffer.span()).first(range.length);
  }

  std::string Name() const override { return "pread"; }

 private:
  struct Slot {
    AlignedBuffer buffer;
    uint64_t offset = 0;
    size_t length = 0;
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
