// Keeps one new snapshot within the quota of its volume: refuses it before any work is done, and
// stops it when it would store more than is left. Thread-safe.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/status.h"
#include "repo/repository.h"

namespace varve {

class QuotaMeter {
 public:
  // Null for a volume without a quota. NoSpace, with the figures, if nothing is left of it;
  // Corruption if the quotas cannot be known.
  static Result<std::unique_ptr<QuotaMeter>> Begin(Repository& repository,
                                                   const std::string& volume_name);

  // Before `bytes` more become part of the snapshot. NoSpace if that is more than the quota leaves;
  // then nothing may be written any more.
  Status Charge(uint64_t bytes);

 private:
  QuotaMeter(std::string volume_name, uint64_t bytes_max, uint64_t bytes_used)
      : volume_name_(std::move(volume_name)), bytes_max_(bytes_max), bytes_used_(bytes_used) {}

  const std::string volume_name_;
  const uint64_t bytes_max_;
  const uint64_t bytes_used_;  // by earlier snapshots
  std::atomic<uint64_t> charged_{0};
};

}  // namespace varve
