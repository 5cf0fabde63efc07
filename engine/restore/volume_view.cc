#include "restore/volume_view.h"

#include <string>

namespace varve {
namespace {
Status ReadOnly() {
  return {Code::kDenied, "the volume is opened for reading only"};
}
}  // namespace

Status VolumeView::WriteAt(uint64_t, ByteSpan) {
  return ReadOnly();
}

Status VolumeView::Punch(uint64_t, uint64_t) {
  return ReadOnly();
}

Status VolumeView::Sync() {
  return ReadOnly();
}

Status VolumeView::CheckRange(uint64_t offset, uint64_t length) const {
  if (offset <= size_bytes() && length <= size_bytes() - offset) return {};
  return InvalidArgument("range " + std::to_string(offset) + "+" + std::to_string(length) +
                         " passes the end of the volume at " + std::to_string(size_bytes()));
}

}  // namespace varve
