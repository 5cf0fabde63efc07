#include "help_text.h"

#include "text_table.h"

namespace varve::cli {
namespace {

constexpr const char* kExitCodes =
    "Exit codes: 0 done, 1 failed, 2 usage, 3 done with warnings, 4 not found, 5 exists already,\n"
    "6 denied, 8 damage found, 9 no space, 10 no repository, 11 busy, 12 wrong key, 13 aborted,\n"
    "130 interrupted.\n";

std::string OptionLabel(const OptionSpec& option) {
  std::string label = option.letter == 0 ? "" : std::string("-") + option.letter + ", ";
  label += "--" + option.name;
  if (!option.value.empty()) label += " " + option.value;
  return label;
}

std::string UsageLine(const Verb& verb) {
  std::string line = "varve " + verb.name;
  for (const PositionalSpec& positional : verb.positionals) {
    switch (positional.count) {
      case Count::kOne:
        line += " " + positional.name;
        break;
      case Count::kAtMostOne:
        line += " [" + positional.name + "]";
        break;
      case Count::kAny:
        line += " [" + positional.name + "...]";
        break;
    }
  }
  return line + (verb.options.empty() ? "" : " [options]");
}

std::string OptionLines(const std::vector<OptionSpec>& options) {
  std::vector<std::pair<std::string, std::string>> lines;
  for (const OptionSpec& option : options) {
    lines.emplace_back(OptionLabel(option),
                       option.purpose + (option.repeatable ? " (repeatable)" : ""));
  }
  return FactLines(lines);
}

}  // namespace

std::string GeneralHelp() {
  std::vector<std::pair<std::string, std::string>> lines;
  for (const Verb* verb : AllVerbs())
    lines.emplace_back(verb->name, verb->purpose);
  return "varve: block-level incremental snapshots of volumes\n\n"
         "usage: varve VERB [arguments] [options]\n\n" +
         FactLines(lines) + "\nOptions of every verb:\n" + OptionLines(CommonOptions()) +
         "\n`varve help VERB` tells more.\n" + kExitCodes;
}

std::string VerbHelp(const Verb& verb) {
  std::string text = "usage: " + UsageLine(verb) + "\n\n" + verb.purpose + ".\n" + verb.details;
  if (!verb.options.empty()) text += "\nOptions:\n" + OptionLines(verb.options);
  return text + "\nOptions of every verb:\n" + OptionLines(CommonOptions());
}

}  // namespace varve::cli
