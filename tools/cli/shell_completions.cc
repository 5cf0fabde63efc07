// Completions for bash, zsh and fish, from the verbs' tables: verbs, actions, options; everything
// else is a file to the shell.
#include "generated_text.h"
#include "help_text.h"

namespace varve::cli {
namespace {

std::string VerbWords(const std::vector<const Verb*>& verbs) {
  std::string words;
  for (const Verb* verb : verbs)
    words += (words.empty() ? "" : " ") + ActionWord(*verb);
  return words;
}

std::string OptionWords(const Verb& verb) {
  std::string words;
  for (const auto* options : {&verb.options, &OptionsBeside(verb)}) {
    for (const OptionSpec& option : *options)
      words += (words.empty() ? "--" : " --") + option.name;
  }
  return words;
}

// The text in single quotes, for a POSIX shell and for fish.
std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::string BashCases() {
  std::string cases;
  for (const Verb* verb : AllVerbs()) {
    for (const Verb* action : verb->actions)
      cases += "    " + Quoted(action->name) + ") words=" + Quoted(OptionWords(*action)) + " ;;\n";
    cases += "    " + Quoted(verb->name) + "|" + Quoted(verb->name + " ") + "*) words=" +
             Quoted(verb->actions.empty() ? OptionWords(*verb) : VerbWords(verb->actions)) +
             " ;;\n";
  }
  return cases;
}

std::string FishDescribed(const std::string& condition, const std::string& what,
                          const std::string& purpose) {
  return "complete -c varve -n '" + condition + "' " + what + " -d " + Quoted(purpose) + "\n";
}

std::string FishOptions(const Verb& verb) {
  std::string lines;
  for (const auto* options : {&verb.options, &OptionsBeside(verb)}) {
    for (const OptionSpec& option : *options) {
      std::string what = "-l " + option.name;
      if (option.letter != 0) what += std::string(" -s ") + option.letter;
      if (!option.value.empty()) what += " -r";
      lines += FishDescribed("__varve_at " + verb.name, what, option.purpose);
    }
  }
  return lines;
}

std::string FishVerb(const Verb& verb) {
  if (verb.actions.empty()) return FishOptions(verb);
  std::string lines;
  for (const Verb* action : verb.actions) {
    lines +=
        FishDescribed("__varve_is " + verb.name, "-f -a " + ActionWord(*action), action->purpose);
    lines += FishOptions(*action);
  }
  return lines;
}

constexpr const char* kFishFunctions =
    "function __varve_words\n"
    "    string match -v -- '-*' (commandline -opc)[2..-1]\n"
    "end\n"
    "function __varve_is # these words and no more are there\n"
    "    test (string join ' ' -- (__varve_words)) = (string join ' ' -- $argv)\n"
    "end\n"
    "function __varve_at # these words come first\n"
    "    set -l words (__varve_words)\n"
    "    test (count $words) -ge (count $argv)\n"
    "    and test (string join ' ' -- $words[1..(count $argv)]) = (string join ' ' -- $argv)\n"
    "end\n";

// A description in an element of zsh's _describe: colons part the word from it.
std::string ZshElement(const Verb& verb) {
  std::string purpose;
  for (const char c : verb.purpose)
    purpose += c == ':' ? std::string("\\:") : std::string(1, c);
  return Quoted(ActionWord(verb) + ":" + purpose);
}

std::string ZshElements(const std::vector<const Verb*>& verbs) {
  std::string elements;
  for (const Verb* verb : verbs)
    elements += " " + ZshElement(*verb);
  return elements;
}

std::string ZshCases() {
  std::string cases;
  for (const Verb* verb : AllVerbs()) {
    for (const Verb* action : verb->actions)
      cases += "  " + Quoted(action->name) + ") options=(" + OptionWords(*action) + ") ;;\n";
    if (verb->actions.empty()) {
      cases += "  " + Quoted(verb->name) + "*) options=(" + OptionWords(*verb) + ") ;;\n";
    } else {
      cases += "  " + Quoted(verb->name) + "*) actions=(" + ZshElements(verb->actions) + ") ;;\n";
    }
  }
  return cases;
}

}  // namespace

std::string BashCompletion() {
  return "# bash completion of varve; made by `varve help --completion bash`\n"
         "_varve() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} words= seen= word\n"
         "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
         "    case $word in -*) ;; *) seen+=\"${seen:+ }$word\" ;; esac\n"
         "  done\n"
         "  local pair; pair=$(cut -d' ' -f1-2 <<<\"$seen\")\n"
         "  case $pair in\n"
         "    '') words='help " +
         VerbWords(AllVerbs()) + "' ;;\n    help) words='" + VerbWords(AllVerbs()) + "' ;;\n" +
         BashCases() +
         "  esac\n"
         "  COMPREPLY=()\n"
         "  case $current in\n"
         "    -*) mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\") ;;\n"
         "    *)\n"
         "      case $words in --*) ;; *) mapfile -t COMPREPLY < <(compgen -W \"$words\" -- "
         "\"$current\") ;; esac\n"
         "      ;;\n"
         "  esac\n"
         "}\n"
         "complete -o default -F _varve varve\n";
}

std::string ZshCompletion() {
  return "#compdef varve\n"
         "# made by `varve help --completion zsh`\n"
         "local -a verbs actions options plain\n"
         "plain=(${${words[2,CURRENT-1]}:#-*})\n"
         "if (( ! ${#plain} )); then\n"
         "  verbs=('help:Say what verbs do'" +
         ZshElements(AllVerbs()) +
         ")\n"
         "  _describe verb verbs\n"
         "  return\n"
         "fi\n"
         "case \"${(j: :)plain[1,2]}\" in\n" +
         ZshCases() +
         "esac\n"
         "if (( ${#actions} )); then\n"
         "  _describe action actions\n"
         "elif [[ $PREFIX == -* ]]; then\n"
         "  compadd -a options\n"
         "else\n"
         "  _files\n"
         "fi\n";
}

std::string FishCompletion() {
  std::string text = "# fish completion of varve; made by `varve help --completion fish`\n";
  text += kFishFunctions + FishDescribed("__varve_is", "-f -a help", "Say what verbs do");
  for (const Verb* verb : AllVerbs()) {
    text += FishDescribed("__varve_is", "-f -a " + verb->name, verb->purpose);
    text += FishVerb(*verb);
  }
  return text;
}

}  // namespace varve::cli
