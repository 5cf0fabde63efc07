#include "help_text.h"

#include "text_table.h"

namespace varve::cli {
namespace {

constexpr const char* kExitCodes =
    "Exit codes: 0 done, 1 failed, 2 usage, 3 done with warnings, 4 not found, 5 wrong state\n"
    "or exists already, 6 denied, 7 agent unreachable, 8 damage found, 9 no space, 10 no\n"
    "repository, 11 busy, 12 wrong key, 13 aborted, 130 interrupted.\n";

std::string OptionLines(const std::vector<OptionSpec>& options) {
  std::vector<std::pair<std::string, std::string>> lines;
  for (const OptionSpec& option : options) {
    lines.emplace_back(OptionLabel(option),
                       option.purpose + (option.repeatable ? " (repeatable)" : ""));
  }
  return FactLines(lines);
}

}  // namespace

std::string OptionLabel(const OptionSpec& option) {
  std::string label = option.letter == 0 ? "" : std::string("-") + option.letter + ", ";
  label += "--" + option.name;
  if (!option.value.empty()) label += " " + option.value;
  return label;
}

std::string UsageLine(const Verb& verb) {
  std::string line = "varve " + verb.name;
  if (!verb.actions.empty()) return line + " ACTION [arguments] [options]";
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

std::string ActionWord(const Verb& action) {
  return action.name.substr(action.name.rfind(' ') + 1);
}

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
  if (verb.actions.empty()) {
    return text + "\nOptions of every verb:\n" + OptionLines(OptionsBeside(verb));
  }
  std::vector<std::pair<std::string, std::string>> lines;
  for (const Verb* action : verb.actions)
    lines.emplace_back(ActionWord(*action), action->purpose);
  return text + "\nActions:\n" + FactLines(lines) + "\n`varve help " + verb.name +
         " ACTION` tells more.\n";
}

}  // namespace varve::cli
