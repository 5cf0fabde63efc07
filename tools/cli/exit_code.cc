#include "exit_code.h"

#include <cerrno>

#include "agent_client.h"

namespace varve::cli {

ExitCode ExitCodeOf(const Status& failure) {
  switch (failure.code()) {
    case Code::kOk:
      return ExitCode::kOk;
    case Code::kInvalidArgument:
      return ExitCode::kUsage;
    case Code::kNotFound:
      return ExitCode::kNotFound;
    case Code::kAlreadyExists:
      return ExitCode::kWrongState;
    case Code::kBusy:
      return ExitCode::kBusy;
    case Code::kNoSpace:
      return ExitCode::kNoSpace;
    case Code::kCorruption:
      return ExitCode::kDamaged;
    case Code::kDenied:
      return IsKeyFailure(failure) ? ExitCode::kWrongKey : ExitCode::kDenied;
    case Code::kCancelled:
      return ExitCode::kAborted;
    case Code::kIo:
    case Code::kUnsupported:
      return ExitCode::kFailure;
  }
  return ExitCode::kFailure;
}

ExitCode ExitCodeOfOpening(const Status& failure) {
  const bool missing = failure.code() == Code::kNotFound || failure.error_number() == ENOTDIR;
  return missing ? ExitCode::kNoRepository : ExitCodeOf(failure);
}

ExitCode ExitCodeOfAgent(const Status& failure) {
  if (failure.error_number() == kAgentUnreachable) return ExitCode::kUnreachable;
  const bool may_be_tried_again = failure.error_number() == kAgentTooBusy;
  if (failure.code() == Code::kBusy && !may_be_tried_again) return ExitCode::kWrongState;
  return ExitCodeOf(failure);
}

}  // namespace varve::cli
