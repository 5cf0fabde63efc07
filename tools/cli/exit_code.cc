#include "exit_code.h"

#include <cerrno>

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

}  // namespace varve::cli
