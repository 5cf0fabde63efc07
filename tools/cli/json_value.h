// What `--json` prints, as a value: verbs build it, one file turns it into text. Objects keep the
// order in which they were built.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace varve::cli {

class JsonValue {
 public:
  using Array = std::vector<JsonValue>;
  using Object = std::vector<std::pair<std::string, JsonValue>>;

  JsonValue() = default;                                                     // null
  JsonValue(bool value) : value_(value) {}                                   // NOLINT: implicit
  JsonValue(double value) : value_(value) {}                                 // NOLINT: implicit
  JsonValue(std::signed_integral auto value) : value_(int64_t{value}) {}     // NOLINT: implicit
  JsonValue(std::unsigned_integral auto value) : value_(uint64_t{value}) {}  // NOLINT: implicit
  JsonValue(std::string value) : value_(std::move(value)) {}                 // NOLINT: implicit
  JsonValue(const char* value) : value_(std::string(value)) {}               // NOLINT: implicit
  JsonValue(Array values) : value_(std::move(values)) {}                     // NOLINT: implicit
  JsonValue(Object members) : value_(std::move(members)) {}                  // NOLINT: implicit

  // One line, without the line's end. Bytes that are no UTF-8 are replaced.
  std::string Text() const;

  using Variant =
      std::variant<std::monostate, bool, double, int64_t, uint64_t, std::string, Array, Object>;
  const Variant& variant() const { return value_; }

 private:
  Variant value_;
};

}  // namespace varve::cli
