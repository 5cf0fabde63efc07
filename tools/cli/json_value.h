// What `--json` prints and what the agent answers, as a value: one file turns it into text and text
// into it. Objects keep their order.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/status.h"

namespace varve::cli {

inline constexpr int kJsonDepthMax = 100;

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
  // Of one document. InvalidArgument if `text` is none, or nested deeper than kJsonDepthMax.
  static Result<JsonValue> Parse(const std::string& text);

  // By names with dots between them ("progress.phase"); null if there is none.
  const JsonValue* Find(std::string_view path) const;
  // What is found there as text: strings as they are, numbers and booleans as JSON has them, lists
  // of those with commas; empty if there is nothing or null.
  std::string TextAt(std::string_view path) const;
  // The number found there, also if it is written as a string.
  std::optional<double> NumberAt(std::string_view path) const;
  // The elements if it is a list; else none.
  const Array& elements() const;

  using Variant =
      std::variant<std::monostate, bool, double, int64_t, uint64_t, std::string, Array, Object>;
  const Variant& variant() const { return value_; }

 private:
  Variant value_;
};

}  // namespace varve::cli
