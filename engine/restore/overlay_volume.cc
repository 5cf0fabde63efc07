#include "restore/overlay_volume.h"

#include <vector>

#include "io/aligned_buffer.h"

namespace varve {
namespace {

// Reads in Wait: decoding is the work, and it is the caller's own core that does it.
class ViewBlockReader : public BlockReader {
 public:
  ViewBlockReader(VolumeView& view, const BlockReaderOptions& options) : view_(view) {
    for (size_t i = 0; i < options.slots; ++i) {
      slots_.push_back({AlignedBuffer(options.slot_bytes), {}});
    }
  }

  Status Start(size_t slot, uint64_t offset, size_t length) override {
    const BlockRun run{offset, length};
    return StartRuns(slot, {&run, 1});
  }

  Status StartRuns(size_t slot, std::span<const BlockRun> runs) override {
    slots_.at(slot).runs.assign(runs.begin(), runs.end());
    return {};
  }

  Result<ByteSpan> Wait(size_t slot) override {
    const Slot& range = slots_.at(slot);
    const uint64_t first = range.runs.front().offset;
    const MutableByteSpan memory = slots_.at(slot).buffer.span();
    for (const BlockRun& run : range.runs) {
      VARVE_RETURN_IF_ERROR(
          view_.ReadAt(run.offset, memory.subspan(run.offset - first, run.length)));
    }
    return ByteSpan(memory).first(range.runs.back().offset + range.runs.back().length - first);
  }

  std::string Name() const override { return "overlay"; }

 private:
  struct Slot {
    AlignedBuffer buffer;
    std::vector<BlockRun> runs;
  };

  VolumeView& view_;
  std::vector<Slot> slots_;
};

}  // namespace

OverlayVolume::OverlayVolume(OverlayDirectory& directory, const SnapshotRecord& record)
    : directory_(directory), record_(record), identity_("overlay:" + directory.path()) {}

// Only what the overlay has is read, so what is a hole elsewhere does not matter.
Result<std::optional<DataExtent>> OverlayVolume::NextData(uint64_t offset) const {
  if (offset >= size_bytes()) return std::optional<DataExtent>();
  return std::optional<DataExtent>({offset, size_bytes()});
}

Result<std::unique_ptr<BlockReader>> OverlayVolume::NewReader(
    const BlockReaderOptions& options) const {
  return std::unique_ptr<BlockReader>(
      std::make_unique<ViewBlockReader>(directory_.view(), options));
}

ChangeClaim OverlayVolume::Changes() const {
  ChangeClaim claim;
  claim.source = "overlay";
  claim.parent = record_.id;
  claim.volume_name = record_.volume_name;
  claim.size_bytes = size_bytes();
  claim.own = true;
  for (const BlockRange& blocks : directory_.overlay().Mapped()) {
    claim.may_have_changed.Add(blocks.begin * kOverlayBlock,
                               std::min(blocks.end * kOverlayBlock, size_bytes()));
  }
  return claim;
}

}  // namespace varve
