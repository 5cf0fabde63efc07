// What a verb takes, and what the user gave it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"

namespace varve::cli {

// An option. Without a value's name it is a switch.
struct OptionSpec {
  std::string name;     // "chunk-size", given as --chunk-size
  std::string value;    // what the help calls its value: "SIZE"
  std::string purpose;  // one line for the help
  bool repeatable = false;
  char letter = 0;  // 'r' for -r
};

enum class Count { kOne, kAtMostOne, kAny };

// A positional argument. Only the last ones of a verb may be other than kOne.
struct PositionalSpec {
  std::string name;  // "SNAPSHOT"
  Count count = Count::kOne;
};

// Options and positional arguments by name. A plain value.
class Arguments {
 public:
  // InvalidArgument tells what is wrong; an unknown option is told the nearest known one.
  static Result<Arguments> Parse(const std::vector<std::string>& words,
                                 const std::vector<PositionalSpec>& positionals,
                                 const std::vector<OptionSpec>& options);

  bool Has(const std::string& name) const { return values_.contains(name); }
  // Must have been given; positional arguments of Count::kOne always were.
  const std::string& Get(const std::string& name) const;
  std::optional<std::string> Find(const std::string& name) const;
  std::string FindOr(const std::string& name, const std::string& fallback) const;
  std::vector<std::string> All(const std::string& name) const;

 private:
  Status Place(const std::vector<std::string>& words,
               const std::vector<PositionalSpec>& positionals);

  std::map<std::string, std::vector<std::string>> values_;
};

// The one of `known` that `word` most likely means, if any is near.
std::optional<std::string> Nearest(const std::string& word, const std::vector<std::string>& known);

}  // namespace varve::cli
