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
      {"json", "", "print results as JSON"},
      {"help", "", "say what the verb does and takes", false, 'h'},
  };
  return options;
}

}  // namespace varve::cli
