// varve_macro [WORKLOAD…] [--json] [--size-mib N] [--seed N] [--directory DIR]
// Runs the named workloads (all, if none is named), each in a process and a directory of its own,
// and prints what they found. Needs about three times --size-mib of disk, 2 GiB at least.
#include <getopt.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "macro/workloads.h"

namespace varve {
namespace {

struct Choices {
  std::vector<std::string> names;
  bool json = false;
  uint64_t size_mib = 512;
  uint64_t seed = 1;
  std::string directory = "/var/tmp";
};

void ShowHelp() {
  std::printf(
      "varve_macro [WORKLOAD...] [--json] [--size-mib N (512)] [--seed N (1)]\n"
      "            [--directory DIR (/var/tmp)]\n\n");
  for (const Workload& workload : kWorkloads) {
    std::printf("  %-12s %s\n", workload.name, workload.what);
  }
}

bool IsWorkload(const std::string& name) {
  return std::any_of(std::begin(kWorkloads), std::end(kWorkloads),
                     [&](const Workload& workload) { return name == workload.name; });
}

// Nothing if the arguments make no sense or ask for help; *exit_code says which.
std::optional<Choices> ParseArguments(int argc, char** argv, int* exit_code) {
  static const option kOptions[] = {
      {"json", no_argument, nullptr, 'j'},       {"size-mib", required_argument, nullptr, 's'},
      {"seed", required_argument, nullptr, 'r'}, {"directory", required_argument, nullptr, 'd'},
      {"help", no_argument, nullptr, 'h'},       {}};
  Choices choices;
  for (int found = 0; (found = getopt_long(argc, argv, "", kOptions, nullptr)) != -1;) {
    switch (found) {
      case 'j':
        choices.json = true;
        break;
      case 's':
        choices.size_mib = std::strtoull(optarg, nullptr, 10);
        break;
      case 'r':
        choices.seed = std::strtoull(optarg, nullptr, 10);
        break;
      case 'd':
        choices.directory = optarg;
        break;
      default:
        ShowHelp();
        *exit_code = found == 'h' ? 0 : 2;
        return std::nullopt;
    }
  }
  choices.names.assign(argv + optind, argv + argc);
  const bool known = std::all_of(choices.names.begin(), choices.names.end(), IsWorkload);
  if (known && choices.size_mib >= 64) return choices;
  std::fprintf(stderr, "varve_macro: %s\n",
               known ? "--size-mib: at least 64" : "no such workload; --help lists them");
  *exit_code = 2;
  return std::nullopt;
}

std::string JsonOf(const Findings& findings) {
  std::string text;
  for (const auto& [name, value] : findings.values()) {
    char line[128];
    std::snprintf(line, sizeof(line), "%s    \"%s\": %.10g", text.empty() ? "" : ",\n",
                  name.c_str(), value);
    text += line;
  }
  return "{\n" + text + "\n  }";
}

std::string LinesOf(const Findings& findings) {
  std::string text;
  for (const auto& [name, value] : findings.values()) {
    char line[128];
    std::snprintf(line, sizeof(line), "  %-32s %.6g\n", name.c_str(), value);
    text += line;
  }
  return text;
}

// In the child: runs the workload and writes its findings to `out`.
void RunHere(const Workload& workload, const Choices& choices, const std::string& directory,
             int out) {
  Workplace place{directory, choices.size_mib << 20, choices.seed};
  if (std::strcmp(workload.name, "aging") == 0) place.volume_bytes /= 4;
  Findings findings;
  workload.run(place, &findings);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  findings.Add("peak_rss_bytes", static_cast<double>(usage.ru_maxrss) * 1024);
  const std::string text = choices.json ? JsonOf(findings) : LinesOf(findings);
  if (write(out, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    GiveUp("cannot report");
  }
}

std::optional<std::string> RunApart(const Workload& workload, const Choices& choices) {
  std::string directory = choices.directory + "/varve-macro-XXXXXX";
  int ends[2];
  if (mkdtemp(directory.data()) == nullptr || pipe(ends) != 0) {
    GiveUp("cannot make a directory below " + choices.directory);
  }
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    RunHere(workload, choices, directory, ends[1]);
    std::_Exit(0);
  }
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = read(ends[0], buffer, sizeof(buffer))) > 0;)
    text.append(buffer, got);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
  if (status != 0) return std::nullopt;
  return text;
}

int RunAll(const Choices& choices) {
  bool all_ran = true;
  bool first = true;
  for (const Workload& workload : kWorkloads) {
    const bool wanted =
        choices.names.empty() ||
        std::find(choices.names.begin(), choices.names.end(), workload.name) != choices.names.end();
    if (!wanted) continue;
    const std::optional<std::string> findings = RunApart(workload, choices);
    if (!findings) {
      all_ran = false;
    } else if (choices.json) {
      std::printf("%s  \"%s\": %s", first ? "{\n" : ",\n", workload.name, findings->c_str());
      first = false;
    } else {
      std::printf("%s: %s\n%s", workload.name, workload.what, findings->c_str());
    }
    std::fflush(stdout);
  }
  if (choices.json) std::printf("%s\n}\n", first ? "{" : "");
  return all_ran ? 0 : 1;
}

}  // namespace
}  // namespace varve

int main(int argc, char** argv) {
  int exit_code = 0;
  const auto choices = varve::ParseArguments(argc, argv, &exit_code);
  return choices ? varve::RunAll(*choices) : exit_code;
}
