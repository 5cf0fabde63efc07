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
    // The kernel says why it refuses; a key that does not fit has no errno.
    case Code::kDenied:
      return failure.error_number() != 0 ? ExitCode::kDenied : ExitCode::kWrongKey;
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
