#include "heal/snapshot_volume.h"

#include "io/aligned_buffer.h"

namespace varve {
namespace {

class SnapshotBlockReader : public BlockReader {
 public:
  SnapshotBlockReader(SnapshotReader& reader, const BlockReaderOptions& options)
      : reader_(reader), slots_(options.slots) {
    for (Slot& slot : slots_)
      slot.buffer = AlignedBuffer(options.slot_bytes);
  }

  Status Start(size_t slot, uint64_t offset, size_t length) override {
    VARVE_CHECK(slot < slots_.size() && length <= slots_[slot].buffer.size());
    slots_[slot].offset = offset;
    slots_[slot].length = length;
    return {};
  }

  Result<ByteSpan> Wait(size_t slot) override {
    const MutableByteSpan into = slots_[slot].buffer.span().first(slots_[slot].length);
    VARVE_RETURN_IF_ERROR(reader_.ReadAt(slots_[slot].offset, into));
    return ByteSpan(into);
  }

  std::string Name() const override { return "snapshot"; }

 private:
  struct Slot {
    AlignedBuffer buffer;
    uint64_t offset = 0;
    size_t length = 0;
  };

  SnapshotReader& reader_;
  std::vector<Slot> slots_;
};

}  // namespace

Result<std::optional<DataExtent>> SnapshotVolume::NextData(uint64_t offset) const {
  while (offset < reader_.size_bytes()) {
    VARVE_ASSIGN_OR_RETURN(const ViewExtent extent, reader_.NextExtent(offset));
    if (extent.is_data) return std::optional(DataExtent{offset, extent.end});
    offset = extent.end;
  }
  return std::optional<DataExtent>();
}

Result<std::unique_ptr<BlockReader>> SnapshotVolume::NewReader(
    const BlockReaderOptions& options) const {
  return std::unique_ptr<BlockReader>(std::make_unique<SnapshotBlockReader>(reader_, options));
}

}  // namespace varve
