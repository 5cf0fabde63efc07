#include "verb.h"

namespace varve::cli {

#define VERB(name) extern const Verb k##name##Verb;
#include "verb_list.inc"
#undef VERB

const std::vector<const Verb*>& AllVerbs() {
  static const std::vector<const Verb*> verbs = {
#define VERB(name) &k##name##Verb,
#include "verb_list.inc"
#undef VERB
  };
  return verbs;
}

const std::vector<OptionSpec>& CommonOptions() {
  static const std::vector<OptionSpec> options = {
      {"repo", "REPO", "the repository; else the environment's VARVE_REPOSITORY", false, 'r'},
      {"passphrase-file", "FILE", "FILE holds the passphrase of an encrypted repository"},
      {"passphrase-fd", "N", "it is what can be read from descriptor N"},
      {"passphrase-command", "LINE", "it is what the command prints; run without a shell"},
      {"key-file", "FILE", "the bytes of FILE are the key instead"},
      {"json", "", "print results as JSON"},
      {"help", "", "say what the verb does and takes", false, 'h'},
  };
  return options;
}

const std::vector<OptionSpec>& AgentOptions() {
  static const std::vector<OptionSpec> options(CommonOptions().end() - 2, CommonOptions().end());
  return options;
}

const std::vector<OptionSpec>& OptionsBeside(const Verb& verb) {
  return verb.opening == Opening::kAgent ? AgentOptions() : CommonOptions();
}

}  // namespace varve::cli
