#include "key_options.h"

#include <charconv>

namespace varve::cli {
namespace {

Result<KeySource> FromDescriptor(const std::string& option, const std::string& text) {
  int fd = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), fd);
  if (error != std::errc() || end != text.data() + text.size() || fd < 0) {
    return InvalidArgument("--" + option + " takes the number of a descriptor, not '" + text + "'");
  }
  return KeySource::PassphraseDescriptor(fd);
}

Result<KeySource> FromOption(const std::string& option, const std::string& value) {
  if (option.ends_with("key-file")) return KeySource::KeyFile(value);
  if (option.ends_with("-fd")) return FromDescriptor(option, value);
  if (option.ends_with("-file")) return KeySource::PassphraseFile(value);
  VARVE_ASSIGN_OR_RETURN(std::vector<std::string> words, SplitWords(value));
  return KeySource::PassphraseCommand(std::move(words));
}

}  // namespace

Result<KeySource> KeySourceOf(const Arguments& arguments, const std::string& prefix) {
  std::string given;
  for (const char* name : {"passphrase-file", "passphrase-fd", "passphrase-command", "key-file"}) {
    const std::string option = prefix + name;
    if (!arguments.Has(option)) continue;
    if (!given.empty()) {
      return InvalidArgument("--" + given + " and --" + option + " both name a key");
    }
    given = option;
  }
  if (!given.empty()) return FromOption(given, arguments.Get(given));
  return prefix.empty() ? KeySource::FromEnvironment() : KeySource::None();
}

}  // namespace varve::cli
