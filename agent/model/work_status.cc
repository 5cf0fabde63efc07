#include "agent/model/work_status.h"

#include <array>
#include <utility>

namespace varve::agent {
namespace {

constexpr std::array<std::pair<WorkStatus, std::string_view>, 7> kNames{{
    {WorkStatus::kScheduled, "scheduled"},
    {WorkStatus::kInProgress, "in-progress"},
    {WorkStatus::kCompleted, "completed"},
    {WorkStatus::kAborting, "aborting"},
    {WorkStatus::kAborted, "aborted"},
    {WorkStatus::kFailed, "failed"},
    {WorkStatus::kNotSupported, "not-supported"},
}};

}  // namespace

std::string_view WorkStatusName(WorkStatus status) {
  return kNames[static_cast<size_t>(status)].second;
}

std::optional<WorkStatus> WorkStatusOf(std::string_view name) {
  for (const auto& [status, its_name] : kNames) {
    if (its_name == name) return status;
  }
  return std::nullopt;
}

bool IsTerminal(WorkStatus status) {
  return status == WorkStatus::kCompleted || status == WorkStatus::kAborted ||
         status == WorkStatus::kFailed || status == WorkStatus::kNotSupported;
}

bool MayBecome(WorkStatus from, WorkStatus to) {
  switch (from) {
    case WorkStatus::kScheduled:
      return to == WorkStatus::kInProgress || to == WorkStatus::kAborted ||
             to == WorkStatus::kFailed || to == WorkStatus::kNotSupported;
    case WorkStatus::kInProgress:
      return to == WorkStatus::kCompleted || to == WorkStatus::kFailed ||
             to == WorkStatus::kAborting;
    case WorkStatus::kAborting:
      return to == WorkStatus::kAborted || to == WorkStatus::kCompleted ||
             to == WorkStatus::kFailed;
    default:
      return false;
  }
}

}  // namespace varve::agent
