#include "restore/sequential_detector.h"

#include <algorithm>

#include "base/limits.h"

namespace varve {
namespace {

// A run this long is sequential: two reads of a default kernel read-ahead.
constexpr uint64_t kRunMin = 256 * kKiB;
// How far apart the reads in flight of one sequential reader may be.
constexpr uint64_t kDisorderMax = 4 * kMiB;
constexpr uint64_t kWindowMin = 1 * kMiB;
constexpr uint64_t kWindowMax = 32 * kMiB;
// A stream that nobody read from for so many reads takes no share of the memory any more.
constexpr uint64_t kForgottenAfter = 256;

}  // namespace

bool SequentialDetector::IsSequential(const Stream& stream) {
  return stream.run >= kRunMin;
}

bool SequentialDetector::Continues(const Stream& stream, uint64_t offset) {
  if (stream.last_use == 0) return false;
  if (!IsSequential(stream)) return offset == stream.next;
  return offset + kDisorderMax >= stream.next && offset <= stream.next + kDisorderMax;
}

SequentialDetector::Stream& SequentialDetector::StreamOf(uint64_t offset) {
  Stream* oldest = &streams_[0];
  for (Stream& stream : streams_) {
    if (Continues(stream, offset)) return stream;
    if (stream.last_use < oldest->last_use) oldest = &stream;
  }
  *oldest = Stream{.next = offset};
  return *oldest;
}

uint64_t SequentialDetector::WindowMax() const {
  const auto active = std::count_if(streams_.begin(), streams_.end(), [&](const Stream& stream) {
    return IsSequential(stream) && stream.last_use + kForgottenAfter >= now_;
  });
  return std::min(kWindowMax, ahead_bytes_max_ / std::max<uint64_t>(1, active));
}

std::optional<SequentialDetector::Range> SequentialDetector::Note(uint64_t offset,
                                                                  uint64_t length) {
  ++now_;
  Stream& stream = StreamOf(offset);
  stream.last_use = now_;
  stream.next = std::max(stream.next, offset + length);
  stream.run += length;
  if (!IsSequential(stream)) return std::nullopt;
  const uint64_t begin = std::max(stream.next, stream.ahead_end);
  // Asked for in few large pieces: again when half of the window is used up.
  if (begin > stream.next + stream.window / 2) return std::nullopt;
  stream.window = std::min(std::max(kWindowMin, 2 * stream.window), WindowMax());
  const uint64_t end = std::min(stream.next + stream.window, size_bytes_);
  if (end <= begin) return std::nullopt;
  stream.ahead_end = end;
  return Range{begin, end};
}

}  // namespace varve
