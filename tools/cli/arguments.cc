#include "arguments.h"

#include <boost/program_options.hpp>

#include <algorithm>

namespace varve::cli {
namespace {

namespace po = boost::program_options;

std::string Dashed(const std::string& name) {
  return (name.size() == 1 ? "-" : "--") + name;
}

Status UnknownOption(std::string name, const std::vector<OptionSpec>& options) {
  name.erase(0, name.find_first_not_of('-'));
  std::vector<std::string> known;
  for (const OptionSpec& option : options)
    known.push_back(option.name);
  const std::optional<std::string> near = Nearest(name, known);
  return InvalidArgument("unknown option " + Dashed(name) +
                         (near ? "; did you mean --" + *near + "?" : ""));
}

Result<std::vector<po::option>> ParseWords(const std::vector<std::string>& words,
                                           const std::vector<OptionSpec>& options) {
  po::options_description known;
  for (const OptionSpec& option : options) {
    std::string name = option.name;
    if (option.letter != 0) name += std::string(",") + option.letter;
    if (option.value.empty()) {
      known.add_options()(name.c_str(), "");
    } else {
      known.add_options()(name.c_str(), po::value<std::string>(), "");
    }
  }
  using Style = po::command_line_style::style_t;
  try {
    return po::command_line_parser(words)
        .options(known)
        .style(Style::unix_style & ~Style::allow_guessing)
        .run()
        .options;
  } catch (const po::unknown_option& error) {
    return UnknownOption(error.get_option_name(), options);
  } catch (const po::invalid_command_line_syntax& error) {
    const bool lacks = error.kind() == po::invalid_syntax::missing_parameter;
    return InvalidArgument("option " + error.get_option_name() +
                           (lacks ? " needs a value" : " is not given like that"));
  } catch (const po::error& error) {
    return InvalidArgument(error.what());
  }
}

}  // namespace

Result<Arguments> Arguments::Parse(const std::vector<std::string>& words,
                                   const std::vector<PositionalSpec>& positionals,
                                   const std::vector<OptionSpec>& options) {
  VARVE_ASSIGN_OR_RETURN(const std::vector<po::option> parsed, ParseWords(words, options));
  Arguments arguments;
  std::vector<std::string> plain;
  for (const po::option& word : parsed) {
    if (word.string_key.empty()) {
      plain.insert(plain.end(), word.value.begin(), word.value.end());
      continue;
    }
    const auto spec = std::find_if(options.begin(), options.end(), [&](const OptionSpec& option) {
      return option.name == word.string_key || word.string_key == std::string("-") + option.letter;
    });
    VARVE_CHECK(spec != options.end());
    std::vector<std::string>& values = arguments.values_[spec->name];
    if (!values.empty() && !spec->repeatable && !spec->value.empty()) {
      return InvalidArgument("option --" + spec->name + " is given twice");
    }
    values.push_back(word.value.empty() ? "" : word.value[0]);
  }
  VARVE_RETURN_IF_ERROR(arguments.Place(plain, positionals));
  return arguments;
}

Status Arguments::Place(const std::vector<std::string>& words,
                        const std::vector<PositionalSpec>& positionals) {
  size_t next = 0;
  for (const PositionalSpec& positional : positionals) {
    if (next == words.size()) {
      if (positional.count == Count::kOne) {
        return InvalidArgument(positional.name + " is missing");
      }
      break;
    }
    const size_t end = positional.count == Count::kAny ? words.size() : next + 1;
    while (next < end)
      values_[positional.name].push_back(words[next++]);
  }
  if (next < words.size()) return InvalidArgument("unexpected argument '" + words[next] + "'");
  return {};
}

const std::string& Arguments::Get(const std::string& name) const {
  const auto found = values_.find(name);
  VARVE_CHECK(found != values_.end());
  return found->second.front();
}

std::optional<std::string> Arguments::Find(const std::string& name) const {
  return Has(name) ? std::optional(Get(name)) : std::nullopt;
}

std::string Arguments::FindOr(const std::string& name, const std::string& fallback) const {
  return Has(name) ? Get(name) : fallback;
}

std::vector<std::string> Arguments::All(const std::string& name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

std::optional<std::string> Nearest(const std::string& word, const std::vector<std::string>& known) {
  // Edits (insert, remove, replace) that make one of the other; a third of the word is near.
  const auto distance = [](const std::string& a, const std::string& b) {
    std::vector<size_t> row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j)
      row[j] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
      size_t diagonal = row[0];
      row[0] = i;
      for (size_t j = 1; j <= b.size(); ++j) {
        const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
      }
    }
    return row[b.size()];
  };
  std::optional<std::string> nearest;
  size_t least = std::max<size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const bool begins = word.size() >= 3 && candidate.starts_with(word);
    const size_t far = begins ? 1 : distance(word, candidate);
    if (far < least) {
      least = far;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace varve::cli
