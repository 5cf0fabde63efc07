#include "restore/overlay_view.h"

#include <algorithm>
#include <array>
#include <optional>

namespace varve {
namespace {
constexpr size_t kExtentsRemembered = 64;
}

OverlayView::OverlayView(VolumeView& snapshot, Overlay& overlay)
    : snapshot_(snapshot), overlay_(overlay) {
  VARVE_CHECK(snapshot.size_bytes() == overlay.size_bytes());
}

Status OverlayView::ReadAt(uint64_t offset, MutableByteSpan into) {
  VARVE_RETURN_IF_ERROR(CheckRange(offset, into.size()));
  while (!into.empty()) {
    const Overlay::Run run = overlay_.RunAt(offset);
    const MutableByteSpan piece = into.first(std::min<uint64_t>(into.size(), run.end - offset));
    VARVE_RETURN_IF_ERROR(run.is_mapped ? overlay_.ReadAt(offset, piece)
                                        : snapshot_.ReadAt(offset, piece));
    offset += piece.size();
    into = into.subspan(piece.size());
  }
  return {};
}

Result<ViewExtent> OverlayView::NextExtent(uint64_t offset) {
  VARVE_RETURN_IF_ERROR(CheckRange(offset, 1));
  const uint64_t begin = offset;
  std::optional<bool> is_data;
  while (offset < size_bytes()) {
    const Overlay::Run run = overlay_.RunAt(offset);
    ViewExtent extent{offset, run.end, true};
    if (!run.is_mapped) {
      VARVE_ASSIGN_OR_RETURN(extent, SnapshotExtent(offset));
      extent.end = std::min(extent.end, run.end);
    }
    if (is_data && *is_data != extent.is_data) break;
    is_data = extent.is_data;
    offset = extent.end;
  }
  return ViewExtent{begin, offset, *is_data};
}

Result<ViewExtent> OverlayView::SnapshotExtent(uint64_t offset) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = extents_.upper_bound(offset);
    if (found != extents_.end() && found->second.begin <= offset) {
      return ViewExtent{offset, found->second.end, found->second.is_data};
    }
  }
  VARVE_ASSIGN_OR_RETURN(const ViewExtent extent, snapshot_.NextExtent(offset));
  const std::lock_guard lock(mutex_);
  if (extents_.size() >= kExtentsRemembered) extents_.clear();
  ViewExtent& remembered = extents_.try_emplace(extent.end, extent).first->second;
  remembered.begin = std::min(remembered.begin, extent.begin);
  return extent;
}

RangeGate::Pass OverlayView::Enter(uint64_t offset, uint64_t length) {
  return gate_.Enter(RoundDown(offset, kOverlayBlock), RoundUp(offset + length, kOverlayBlock));
}

Status OverlayView::WriteAt(uint64_t offset, ByteSpan from) {
  VARVE_RETURN_IF_ERROR(CheckRange(offset, from.size()));
  if (from.empty()) return {};
  const RangeGate::Pass pass = Enter(offset, from.size());
  return WriteInGate(offset, from);
}

// The ragged begin, the whole blocks, the ragged end.
Status OverlayView::WriteInGate(uint64_t offset, ByteSpan from) {
  const uint64_t end = offset + from.size();
  const uint64_t whole_begin = std::min(RoundUp(offset, kOverlayBlock), end);
  const uint64_t whole_end =
      end == size_bytes() ? end : std::max(whole_begin, RoundDown(end, kOverlayBlock));
  if (offset < whole_begin) {
    VARVE_RETURN_IF_ERROR(WritePart(offset, from.first(whole_begin - offset)));
  }
  if (whole_begin < whole_end) {
    VARVE_RETURN_IF_ERROR(
        overlay_.WriteAt(whole_begin, from.subspan(whole_begin - offset, whole_end - whole_begin)));
  }
  if (whole_end < end) return WritePart(whole_end, from.subspan(whole_end - offset));
  return {};
}

Status OverlayView::WritePart(uint64_t offset, ByteSpan from) {
  if (overlay_.RunAt(offset).is_mapped) return overlay_.WriteAt(offset, from);
  const uint64_t block = RoundDown(offset, kOverlayBlock);
  std::array<uint8_t, kOverlayBlock> memory;
  const MutableByteSpan whole =
      MutableByteSpan(memory).first(std::min(kOverlayBlock, size_bytes() - block));
  VARVE_RETURN_IF_ERROR(snapshot_.ReadAt(block, whole));
  std::copy(from.begin(), from.end(), whole.begin() + static_cast<ptrdiff_t>(offset - block));
  return overlay_.WriteAt(block, whole);
}

Status OverlayView::Punch(uint64_t offset, uint64_t length) {
  VARVE_RETURN_IF_ERROR(CheckRange(offset, length));
  if (length == 0) return {};
  const RangeGate::Pass pass = Enter(offset, length);
  return PunchInGate(offset, length);
}

Status OverlayView::PunchInGate(uint64_t offset, uint64_t length) {
  static constexpr std::array<uint8_t, kOverlayBlock> kZeros{};
  const uint64_t end = offset + length;
  while (offset < end) {
    const uint64_t block_end = RoundDown(offset, kOverlayBlock) + kOverlayBlock;
    const bool ragged = offset % kOverlayBlock != 0 || (block_end > end && end != size_bytes());
    if (ragged) {
      const uint64_t part = std::min(block_end, end) - offset;
      VARVE_RETURN_IF_ERROR(WriteInGate(offset, ByteSpan(kZeros).first(part)));
      offset += part;
      continue;
    }
    const uint64_t whole_end = end == size_bytes() ? end : RoundDown(end, kOverlayBlock);
    const Overlay::Run run = overlay_.RunAt(offset);
    ViewExtent extent{offset, std::min(run.end, whole_end), true};
    if (!run.is_mapped) {
      VARVE_ASSIGN_OR_RETURN(const ViewExtent below, SnapshotExtent(offset));
      extent.is_data = below.is_data;
      extent.end = std::min(extent.end, below.end);
    }
    // What is zeros in the snapshot and was not written since is zeros already: a discard of a
    // whole empty volume costs nothing.
    if (extent.is_data) {
      VARVE_RETURN_IF_ERROR(overlay_.Punch(extent.begin, extent.end - extent.begin));
    }
    offset = extent.end;
  }
  return {};
}

Result<uint64_t> OverlayView::FillPiece(uint64_t offset, uint64_t length_max) {
  VARVE_RETURN_IF_ERROR(CheckRange(offset, 1));
  const Overlay::Run run = overlay_.RunAt(offset);
  if (run.is_mapped) return run.end;
  VARVE_ASSIGN_OR_RETURN(const ViewExtent extent, SnapshotExtent(offset));
  uint64_t end = std::min(run.end, extent.end);
  Bytes bytes;
  if (extent.is_data) {
    end = std::min(end, offset + length_max);
    bytes.resize(end - offset);
    VARVE_RETURN_IF_ERROR(snapshot_.ReadAt(offset, bytes));
  }
  const RangeGate::Pass pass = Enter(offset, end - offset);
  for (uint64_t at = offset; at < end;) {
    const Overlay::Run now = overlay_.RunAt(at);  // somebody may have written meanwhile
    const uint64_t now_end = std::min(now.end, end);
    if (!now.is_mapped) {
      VARVE_RETURN_IF_ERROR(
          extent.is_data ? overlay_.WriteAt(at, ByteSpan(bytes).subspan(at - offset, now_end - at))
                         : overlay_.Punch(at, now_end - at));
    }
    at = now_end;
  }
  return end;
}

}  // namespace varve
