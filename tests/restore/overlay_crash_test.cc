// Power cuts and faults at every I/O of an overlay's life, against the model.
#include <gtest/gtest.h>

#include "restore/overlay_history.h"

namespace varve {
namespace {

constexpr uint64_t kSize = 96 * 1024 + 333;
constexpr int kSteps = 30;

// Opens the overlay and works until it fails or the steps are done.
Status Live(SimulatedDisk& disk, OverlayModel& model, uint64_t seed, int steps) {
  std::mt19937_64 random(seed);
  PatternView below(kSize);
  VARVE_ASSIGN_OR_RETURN(const std::unique_ptr<Overlay> overlay,
                         Overlay::Open(disk, TestBinding(kSize)));
  OverlayView view(below, *overlay);
  for (int i = 0; i < steps; ++i)
    VARVE_RETURN_IF_ERROR(Step(view, model, random));
  const Status synced = view.Sync();
  if (synced.ok()) model.Synced();
  return synced;
}

// What the overlay on a disk reads as.
Bytes Reopened(SimulatedDisk& disk) {
  PatternView below(kSize);
  const auto overlay = Overlay::Open(disk, TestBinding(kSize));
  EXPECT_TRUE(IsOk(overlay));
  if (!overlay.ok()) return {};
  OverlayView view(below, **overlay);
  return ReadAll(view);
}

TEST(OverlayCrashTest, PowerCutAtEveryChange) {
  uint64_t states = 0;
  for (const uint64_t seed : {1, 2, 3}) {
    for (uint64_t cut = 0;; ++cut) {
      SimulatedDisk disk;
      OverlayModel model(kSize);
      // A first life of the overlay, so that the second one continues it.
      ASSERT_TRUE(IsOk(Live(disk, model, 100 + seed, 6)));
      disk.FreezeAfter(cut);
      const Status lived = Live(disk, model, seed, kSteps);
      ASSERT_EQ(lived.ok(), !disk.frozen());
      for (const CrashMode mode : kCrashModes) {
        SCOPED_TRACE("seed " + std::to_string(seed) + ", cut " + std::to_string(cut) + ", " +
                     CrashModeName(mode));
        ++states;
        const auto after = disk.Crash(cut, mode);
        const Bytes found = Reopened(*after);
        ASSERT_TRUE(model.Allows(found, mode));
        // What was found stays, and the overlay goes on from there.
        ASSERT_EQ(Reopened(*after), found);
        PatternView below(kSize);
        auto overlay = Overlay::Open(*after, TestBinding(kSize));
        ASSERT_TRUE(IsOk(overlay));
        OverlayView view(below, **overlay);
        ASSERT_TRUE(IsOk(view.WriteAt(5000, Bytes(3, 77))));
        ASSERT_TRUE(IsOk(view.Sync()));
        Bytes expected = found;
        std::fill_n(expected.begin() + 5000, 3, uint8_t{77});
        ASSERT_EQ(Reopened(*after->Crash(cut, CrashMode::kLoseUnsynced)), expected);
      }
      if (lived.ok()) break;
    }
  }
  RecordProperty("states", std::to_string(states));
  EXPECT_GT(states, 500u);
}

// Each operation fails once, or from then on; what a finished Sync covered survives all of it.
TEST(OverlayCrashTest, EveryOperationFails) {
  for (const int error_number : {EIO, ENOSPC}) {
    for (const bool sticky : {false, true}) {
      for (uint64_t nth = 1;; ++nth) {
        SCOPED_TRACE("operation " + std::to_string(nth) + (sticky ? ", sticky" : "") + ", errno " +
                     std::to_string(error_number));
        SimulatedDisk disk;
        OverlayModel model(kSize);
        ASSERT_TRUE(IsOk(Live(disk, model, 8, 6)));
        const uint64_t before = disk.operation_count();
        disk.InjectFault(
            {.nth = nth, .sticky = sticky, .error_number = error_number, .short_write = true});
        const Status lived = Live(disk, model, 9, kSteps);
        const bool was_hit = disk.operation_count() - before >= nth;
        disk.ClearFaults();
        for (const CrashMode mode : {CrashMode::kLoseUnsynced, CrashMode::kTorn}) {
          ASSERT_TRUE(model.Allows(Reopened(*disk.Crash(nth, mode)), mode));
        }
        if (!was_hit) {
          ASSERT_TRUE(IsOk(lived));
          break;
        }
      }
    }
  }
}

}  // namespace
}  // namespace varve
