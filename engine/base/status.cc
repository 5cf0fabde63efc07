#include "base/status.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace varve {

std::string_view CodeName(Code code) {
  switch (code) {
    case Code::kOk:
      return "Ok";
    case Code::kInvalidArgument:
      return "InvalidArgument";
    case Code::kNotFound:
      return "NotFound";
    case Code::kAlreadyExists:
      return "AlreadyExists";
    case Code::kBusy:
      return "Busy";
    case Code::kNoSpace:
      return "NoSpace";
    case Code::kIo:
      return "Io";
    case Code::kCorruption:
      return "Corruption";
    case Code::kUnsupported:
      return "Unsupported";
    case Code::kDenied:
      return "Denied";
    case Code::kCancelled:
      return "Cancelled";
  }
  return "Unknown";
}

Status Status::FromErrno(int error_number, std::string_view what) {
  Code code = Code::kIo;
  switch (error_number) {
    case EACCES:
    case EPERM:
    case EROFS:
      code = Code::kDenied;
      break;
    case ENOSPC:
    case EDQUOT:
      code = Code::kNoSpace;
      break;
    case ENOENT:
      code = Code::kNotFound;
      break;
    case EEXIST:
      code = Code::kAlreadyExists;
      break;
    default:
      break;
  }
  std::string message(what);
  message += ": ";
  message += std::generic_category().message(error_number);
  return Status(code, std::move(message), error_number);
}

Status Status::WithContext(std::string_view context) const {
  if (ok()) return *this;
  std::string message(context);
  message += ": ";
  message += message_;
  return Status(code_, std::move(message), error_number_);
}

Status InvalidArgument(std::string message) {
  return Status(Code::kInvalidArgument, std::move(message));
}
Status NotFound(std::string message) {
  return Status(Code::kNotFound, std::move(message));
}
Status AlreadyExists(std::string message) {
  return Status(Code::kAlreadyExists, std::move(message));
}
Status Busy(std::string message) {
  return Status(Code::kBusy, std::move(message));
}
Status Corruption(std::string message) {
  return Status(Code::kCorruption, std::move(message));
}
Status Unsupported(std::string message) {
  return Status(Code::kUnsupported, std::move(message));
}
Status Cancelled(std::string message) {
  return Status(Code::kCancelled, std::move(message));
}

Status KeyRequired(std::string message) {
  return Status(Code::kDenied, std::move(message), ENOKEY);
}
Status WrongKey(std::string message) {
  return Status(Code::kDenied, std::move(message), EKEYREJECTED);
}
bool IsKeyFailure(const Status& status) {
  return status.code() == Code::kDenied &&
         (status.error_number() == ENOKEY || status.error_number() == EKEYREJECTED);
}

void CheckFailed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "varve: bug: %s does not hold at %s:%d\n", expression, file, line);
  std::abort();
}

}  // namespace varve
