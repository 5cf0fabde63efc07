// Status and Result: how every operation of varve says that it failed, and why.
//
// A closed set of codes; the message names the object and the values ("pack 7f3a: footer at
// 1048576 past end 917504") and is meant for people. No exceptions cross our code.
// Thread-compatible values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace varve {

enum class Code {
  kOk = 0,
  kInvalidArgument,  // the caller asked for something that makes no sense
  kNotFound,         // the named object does not exist
  kAlreadyExists,    // the named object exists and must not be replaced
  kBusy,             // somebody else holds it; the message says who
  kNoSpace,          // ENOSPC or EDQUOT
  kIo,               // the kernel refused; error_number() tells with what
  kCorruption,       // bytes are not what a writer could have written
  kUnsupported,      // a newer format, or a feature that is not built in
  kDenied,           // no permission, or a wrong key
  kCancelled,        // the user interrupted it
};

// The name of a code as it is shown to people and machines, e.g. "NotFound".
std::string_view CodeName(Code code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message, int error_number = 0)
      : code_(code), error_number_(error_number), message_(std::move(message)) {}

  // A failed system call: EACCES, EPERM and EROFS become Denied, ENOSPC and EDQUOT NoSpace, ENOENT
  // NotFound, EEXIST AlreadyExists, everything else Io. The message is "<what>: <strerror>".
  static Status FromErrno(int error_number, std::string_view what);

  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  // The errno behind it, 0 if there is none.
  int error_number() const { return error_number_; }
  const std::string& message() const { return message_; }
  // The same failure, seen from one level up: "<context>: <message>".
  Status WithContext(std::string_view context) const;

 private:
  Code code_ = Code::kOk;
  int error_number_ = 0;
  std::string message_;
};

inline Status OkStatus() {
  return {};
}
Status InvalidArgument(std::string message);
Status NotFound(std::string message);
Status AlreadyExists(std::string message);
Status Busy(std::string message);
Status Corruption(std::string message);
Status Unsupported(std::string message);
Status Cancelled(std::string message);
// Denied, since the repository is encrypted: no key was given, or one that opens no slot.
Status KeyRequired(std::string message);
Status WrongKey(std::string message);
// One of these two.
bool IsKeyFailure(const Status& status);

// Either a value or the Status that says why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}          // NOLINT: implicit on purpose
  Result(Status status) : status_(std::move(status)) {}  // NOLINT: implicit on purpose

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return std::move(*value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  std::optional<T> value_;
  Status status_;
};

// Always on, in every build: a bug of ours. Never for data from disk, wire, user or kernel.
[[noreturn]] void CheckFailed(const char* expression, const char* file, int line);
#define VARVE_CHECK(expression) \
  ((expression) ? static_cast<void>(0) : ::varve::CheckFailed(#expression, __FILE__, __LINE__))

// Returns from the calling function when `expression` (a Status) is a failure.
#define VARVE_RETURN_IF_ERROR(expression)                                                     \
  do {                                                                                        \
    if (::varve::Status varve_status = (expression); !varve_status.ok()) return varve_status; \
  } while (0)

#define VARVE_CONCAT_INNER(a, b) a##b
#define VARVE_CONCAT(a, b) VARVE_CONCAT_INNER(a, b)
// VARVE_ASSIGN_OR_RETURN(auto x, F()): x is F()'s value, or the function returns F()'s status.
#define VARVE_ASSIGN_OR_RETURN(declaration, expression)      \
  auto VARVE_CONCAT(varve_result_, __LINE__) = (expression); \
  if (!VARVE_CONCAT(varve_result_, __LINE__).ok())           \
    return VARVE_CONCAT(varve_result_, __LINE__).status();   \
  declaration = *std::move(VARVE_CONCAT(varve_result_, __LINE__))

}  // namespace varve
