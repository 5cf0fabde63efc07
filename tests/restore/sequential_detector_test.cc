#include "restore/sequential_detector.h"

#include <gtest/gtest.h>

#include <random>

#include "base/limits.h"

namespace varve {
namespace {

using Range = SequentialDetector::Range;
constexpr uint64_t kVolume = 1 * kTiB;

TEST(SequentialDetector, ReadsAheadOfOneReaderWithoutGapsOrRepeats) {
  SequentialDetector detector(kVolume, 64 * kMiB);
  uint64_t covered = 0;
  for (uint64_t offset = 0; offset < 256 * kMiB; offset += 128 * kKiB) {
    const auto ahead = detector.Note(offset, 128 * kKiB);
    if (offset < 128 * kKiB) {
      EXPECT_FALSE(ahead);
    } else if (ahead) {
      EXPECT_TRUE(covered == 0 || ahead->begin == covered);
      covered = ahead->end;
    }
    EXPECT_TRUE(offset <= kMiB || covered > offset + 128 * kKiB);
    EXPECT_LE(covered, offset + 33 * kMiB);
  }
}

TEST(SequentialDetector, IsNotFooledByRandomReads) {
  SequentialDetector detector(kVolume, 64 * kMiB);
  std::mt19937_64 random(7);
  for (int i = 0; i < 100000; ++i) {
    EXPECT_FALSE(detector.Note(random() % (kGiB / 4096) * 4096, 4096)) << i;
  }
}

TEST(SequentialDetector, FollowsReadsThatArriveOutOfOrder) {
  SequentialDetector detector(kVolume, 64 * kMiB);
  detector.Note(0, kMiB);
  detector.Note(kMiB, kMiB);
  uint64_t covered = 0;
  for (uint64_t pair = 2; pair < 64; pair += 2) {  // the second before the first
    for (const uint64_t at : {pair + 1, pair}) {
      if (const auto ahead = detector.Note(at * kMiB, kMiB)) covered = ahead->end;
    }
    EXPECT_GT(covered, (pair + 2) * kMiB);
  }
}

TEST(SequentialDetector, SharesItsMemoryAmongReaders) {
  SequentialDetector detector(kVolume, 64 * kMiB);
  std::vector<uint64_t> covered(8);
  uint64_t ahead_max = 0;
  for (uint64_t step = 0; step < 512; ++step) {
    uint64_t ahead_bytes = 0;
    for (uint64_t reader = 0; reader < 8; ++reader) {
      const uint64_t offset = reader * kGiB + step * 128 * kKiB;
      if (const auto ahead = detector.Note(offset, 128 * kKiB)) covered[reader] = ahead->end;
      if (covered[reader] > offset) ahead_bytes += covered[reader] - offset;
    }
    if (step > 64) ahead_max = std::max(ahead_max, ahead_bytes);
  }
  EXPECT_GT(ahead_max, 8 * kMiB);
  EXPECT_LE(ahead_max, 70 * kMiB);
}

TEST(SequentialDetector, StopsAtTheEndOfTheVolume) {
  SequentialDetector detector(3 * kMiB + 5, 64 * kMiB);
  detector.Note(0, kMiB);
  std::optional<Range> last;
  for (uint64_t offset = kMiB; offset < 3 * kMiB; offset += kMiB) {
    if (const auto ahead = detector.Note(offset, kMiB)) last = ahead;
  }
  ASSERT_TRUE(last);
  EXPECT_EQ(last->end, 3 * kMiB + 5);
  EXPECT_FALSE(detector.Note(3 * kMiB, 5));
}

}  // namespace
}  // namespace varve
