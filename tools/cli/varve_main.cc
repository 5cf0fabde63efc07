// The `varve` command: finds the verb, parses its arguments, opens the repository, runs the verb,
// and turns its Status into an exit code.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "generated_text.h"
#include "help_text.h"
#include "interrupt.h"
#include "key_options.h"
#include "progress_meter.h"
#include "verb.h"

namespace varve::cli {
namespace {

constexpr const char* kVersion = VARVE_VERSION;

int AsInt(ExitCode code) {
  return static_cast<int>(code);
}

// Files that varve opens must never become its stdin, stdout or stderr.
void OccupyStandardDescriptors() {
  int fd = open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO)
    fd = open("/dev/null", O_RDWR);
  if (fd >= 0) close(fd);
}

const Verb* FindVerb(const std::string& name) {
  const auto& verbs = AllVerbs();
  const auto found = std::find_if(verbs.begin(), verbs.end(),
                                  [&](const Verb* verb) { return verb->name == name; });
  return found == verbs.end() ? nullptr : *found;
}

Status UnknownVerb(const std::string& name) {
  std::vector<std::string> known;
  for (const Verb* verb : AllVerbs())
    known.push_back(verb->name);
  const std::optional<std::string> near = Nearest(name, known);
  return InvalidArgument("there is no verb '" + name + "'" +
                         (near ? "; did you mean " + *near + "?" : "; see varve help"));
}

Result<const Verb*> FindAction(const Verb& noun, const std::string& word) {
  std::vector<std::string> known;
  for (const Verb* action : noun.actions) {
    known.push_back(ActionWord(*action));
    if (known.back() == word) return action;
  }
  const std::optional<std::string> near = Nearest(word, known);
  return InvalidArgument(
      "there is no '" + noun.name + " " + word + "'" +
      (near ? "; did you mean " + noun.name + " " + *near + "?" : "; see varve help " + noun.name));
}

// Where the verb stands among the words: the first that is neither an option of every verb nor the
// value of one.
size_t VerbPosition(const std::vector<std::string>& words) {
  size_t i = 0;
  while (i < words.size() && words[i].starts_with("-")) {
    const bool takes_next =
        std::any_of(CommonOptions().begin(), CommonOptions().end(), [&](const OptionSpec& option) {
          return !option.value.empty() &&
                 (words[i] == "--" + option.name ||
                  (option.letter != 0 && words[i] == std::string("-") + option.letter));
        });
    i += takes_next ? 2 : 1;
  }
  return i;
}

Result<std::string> RepositoryOf(const Arguments& arguments) {
  if (arguments.Has("repo")) return arguments.Get("repo");
  const char* environment = std::getenv("VARVE_REPOSITORY");
  if (environment != nullptr && *environment != 0) return std::string(environment);
  return InvalidArgument("no repository is named: give -r REPO or set VARVE_REPOSITORY");
}

Result<std::unique_ptr<Engine>> OpenFor(const Verb& verb, const Arguments& arguments,
                                        const std::string& repository, Console& console) {
  VARVE_ASSIGN_OR_RETURN(const KeySource source, KeySourceOf(arguments));
  const KeyOptions key{source, verb.works_without_key};
  const NoticeFunction notice = [&console](const std::string& text) { console.Note(text); };
  if (verb.opening == Opening::kWithoutIndex) {
    return Engine::OpenWithoutIndex(repository, notice, key);
  }
  const bool writes = verb.opening == Opening::kWrite ||
                      (verb.opening == Opening::kReadOrExecute && arguments.Has("execute"));
  const OpenMode mode = writes                               ? OpenMode::kWrite
                        : verb.opening == Opening::kMaintain ? OpenMode::kMaintain
                                                             : OpenMode::kRead;
  return Engine::Open(repository, mode, verb.name, notice, key);
}

int Fail(Console& console, const Status& failure, ExitCode code) {
  if (failure.code() == Code::kCancelled && WasInterrupted()) code = ExitCode::kInterrupted;
  console.Fail(failure, AsInt(code));
  return AsInt(code);
}

int RunVerb(const Verb& verb, const Arguments& arguments, Console& console) {
  static Progress progress;  // the signal handler keeps it until the end
  CancelOnSignals(progress);
  std::unique_ptr<Engine> engine;
  std::unique_ptr<AgentClient> agent;
  Result<std::string> repository = std::string();
  const bool names_repository = verb.opening != Opening::kNone && verb.opening != Opening::kAgent;
  if (names_repository) {
    repository = RepositoryOf(arguments);
    if (!repository.ok()) return Fail(console, repository.status(), ExitCode::kUsage);
  }
  if (names_repository && verb.opening != Opening::kByVerb) {
    Result<std::unique_ptr<Engine>> opened = OpenFor(verb, arguments, *repository, console);
    if (!opened.ok()) return Fail(console, opened.status(), ExitCodeOfOpening(opened.status()));
    engine = *std::move(opened);
  }
  if (verb.opening == Opening::kAgent) {
    Result<std::unique_ptr<AgentClient>> opened = AgentClient::FromEnvironment();
    if (!opened.ok()) return Fail(console, opened.status(), ExitCodeOf(opened.status()));
    agent = *std::move(opened);
  }
  Invocation invocation{engine.get(), arguments, console, progress, *repository, agent.get()};
  std::optional<ProgressMeter> meter;
  if (verb.shows_progress) meter.emplace(progress, console);
  const Result<ExitCode> result = verb.run(invocation);
  meter.reset();
  if (!result.ok()) {
    return Fail(console, result.status(),
                agent != nullptr ? ExitCodeOfAgent(result.status()) : ExitCodeOf(result.status()));
  }
  if (*result == ExitCode::kOk && console.warned()) return AsInt(ExitCode::kWarnings);
  return AsInt(*result);
}

int RunHelp(const std::vector<std::string>& words, Console& console) {
  if (words.empty()) {
    console.Print(GeneralHelp());
    return AsInt(ExitCode::kOk);
  }
  const Verb* verb = FindVerb(words[0]);
  if (verb == nullptr) return Fail(console, UnknownVerb(words[0]), ExitCode::kUsage);
  if (words.size() > 1 && !verb->actions.empty()) {
    const Result<const Verb*> action = FindAction(*verb, words[1]);
    if (!action.ok()) return Fail(console, action.status(), ExitCode::kUsage);
    verb = *action;
  }
  console.Print(VerbHelp(*verb));
  return AsInt(ExitCode::kOk);
}

bool WantsHelp(const std::vector<std::string>& words) {
  const auto options_end = std::find(words.begin(), words.end(), "--");
  return std::any_of(words.begin(), options_end,
                     [](const std::string& word) { return word == "--help" || word == "-h"; });
}

int ParseAndRun(const Verb& verb, const std::vector<std::string>& words, Console& console) {
  std::vector<OptionSpec> options = verb.options;
  options.insert(options.end(), OptionsBeside(verb).begin(), OptionsBeside(verb).end());
  const Result<Arguments> arguments = Arguments::Parse(words, verb.positionals, options);
  if (!arguments.ok()) {
    return Fail(console,
                InvalidArgument(arguments.status().message() + " (varve help " + verb.name + ")"),
                ExitCode::kUsage);
  }
  return RunVerb(verb, *arguments, console);
}

// A verb that is a noun: the next word is what is to be done with it.
int RunAction(const Verb& noun, std::vector<std::string> words, Console& console) {
  const auto plain = std::find_if(words.begin(), words.end(),
                                  [](const std::string& word) { return !word.starts_with("-"); });
  if (plain == words.end()) {
    if (WantsHelp(words)) return RunHelp({noun.name}, console);
    return Fail(console, InvalidArgument("what is to be done? see varve help " + noun.name),
                ExitCode::kUsage);
  }
  const std::string word = *plain;
  words.erase(plain);
  if (WantsHelp(words)) return RunHelp({noun.name, word}, console);
  const Result<const Verb*> action = FindAction(noun, word);
  if (!action.ok()) return Fail(console, action.status(), ExitCode::kUsage);
  return ParseAndRun(**action, words, console);
}

int RunWords(std::vector<std::string> words, Console& console) {
  if (words.empty()) {
    console.Print(GeneralHelp());
    return AsInt(ExitCode::kUsage);
  }
  const size_t position = VerbPosition(words);
  if (position >= words.size()) {
    if (words[0] == "--version") {
      console.Print(std::string("varve ") + kVersion + "\n");
      return AsInt(ExitCode::kOk);
    }
    if (words[0] == "--help" || words[0] == "-h") return RunHelp({}, console);
    return Fail(console, InvalidArgument("no verb is given; see varve help"), ExitCode::kUsage);
  }
  const std::string name = words[position];
  words.erase(words.begin() + static_cast<std::ptrdiff_t>(position));
  if (name == "help" && !words.empty() && words[0].starts_with("--")) {
    const Result<std::string> text = GeneratedText(words);
    if (!text.ok()) return Fail(console, text.status(), ExitCode::kUsage);
    console.Print(*text);
    return AsInt(ExitCode::kOk);
  }
  if (name == "help") return RunHelp(words, console);
  const Verb* verb = FindVerb(name);
  if (verb == nullptr) return Fail(console, UnknownVerb(name), ExitCode::kUsage);
  if (!verb->actions.empty()) return RunAction(*verb, std::move(words), console);
  if (WantsHelp(words)) return RunHelp({name}, console);
  return ParseAndRun(*verb, words, console);
}

int Main(int argc, char** argv) {
  OccupyStandardDescriptors();
  std::vector<std::string> words(argv + 1, argv + argc);
  const auto options_end = std::find(words.begin(), words.end(), "--");
  Console console(std::find(words.begin(), options_end, "--json") != options_end);
  const int exit_code = RunWords(std::move(words), console);
  const Status flushed = console.Flush();
  if (exit_code != 0 || flushed.ok()) return exit_code;
  return Fail(console, flushed, ExitCodeOf(flushed));
}

}  // namespace
}  // namespace varve::cli

int main(int argc, char** argv) {
  return varve::cli::Main(argc, argv);
}
