// Which snapshots of a volume to keep, as a pure function of their times. No clock is asked except
// to find out that it cannot be trusted (G6).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "format/snapshot_record.h"

namespace varve {

// Each rule keeps the newest snapshot of so many of the latest periods that have one; what any of
// them keeps is kept. Without a rule everything is kept.
struct RetentionPolicy {
  uint32_t last = 0;
  uint32_t hourly = 0;
  uint32_t daily = 0;
  uint32_t weekly = 0;  // ISO weeks
  uint32_t monthly = 0;
  uint32_t yearly = 0;
  int64_t within_ns = 0;  // of the newest snapshot, not of now

  bool empty() const {
    return last + hourly + daily + weekly + monthly + yearly == 0 && within_ns == 0;
  }
};

struct RetentionDecision {
  SnapshotRecord record;
  bool keep = true;
  std::string reason;  // "daily 2026-01-31", "no rule keeps it"
};

// `records` of one volume by ascending sequence; the decisions in the same order. UTC.
std::vector<RetentionDecision> DecideRetention(const std::vector<SnapshotRecord>& records,
                                               const RetentionPolicy& policy);

// Denied if the times of these records (of all volumes, by ascending sequence) and now do not go
// forward, or leap by more than a year: some clock was wrong, and so may the decisions be.
Status CheckClock(const std::vector<SnapshotRecord>& records, int64_t now_unix_ns);

// Denied if more than half of the snapshots would be deleted in one run (G7).
Status CheckForgetBrake(size_t deleted, size_t all);

}  // namespace varve
