// varve(1) in roff, from the verbs' tables.
#include "generated_text.h"
#include "help_text.h"

namespace varve::cli {
namespace {

// Text that roff prints as it is: no line is a request, no backslash an escape, a dash is a dash.
std::string Roff(const std::string& text) {
  std::string escaped;
  bool at_line_start = true;
  for (const char c : text) {
    if (at_line_start && (c == '.' || c == '\'')) escaped += "\\&";
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else {
      escaped += c;
    }
    at_line_start = c == '\n';
  }
  return escaped;
}

std::string OptionPart(const std::vector<OptionSpec>& options) {
  std::string part;
  for (const OptionSpec& option : options) {
    part += ".TP\n.B " + Roff(OptionLabel(option)) + "\n" + Roff(option.purpose) +
            (option.repeatable ? " (repeatable)" : "") + "\n";
  }
  return part;
}

// Details are laid out by their authors: lines stay lines.
std::string VerbPart(const Verb& verb) {
  std::string part = ".SS " + Roff(verb.name) + "\n.B " + Roff(UsageLine(verb)) + "\n.PP\n" +
                     Roff(verb.purpose) + ".\n";
  if (!verb.details.empty()) part += ".PP\n.nf\n" + Roff(verb.details) + ".fi\n";
  part += OptionPart(verb.options);
  for (const Verb* action : verb.actions)
    part += VerbPart(*action);
  return part;
}

constexpr const char* kEnvironment =
    ".SH ENVIRONMENT\n"
    ".TP\n.B VARVE_REPOSITORY\nthe repository of verbs that work on one\n"
    ".TP\n.B VARVE_PASSWORD_FILE, VARVE_PASSWORD_COMMAND\n"
    "where the passphrase of an encrypted repository comes from\n"
    ".TP\n.B VARVE_URL\n"
    "the agent: unix:///PATH or https://HOST[:PORT]; unix:///run/varve/varved.sock if not set\n"
    ".TP\n.B VARVE_TOKEN_FILE\nholds the token for the agent; readable by its owner alone\n"
    ".TP\n.B SSL_CERT_FILE\ncertificates that are trusted instead of the system's\n";

constexpr const char* kExitStatus =
    ".SH EXIT STATUS\n"
    "0 done, 1 failed, 2 usage, 3 done with warnings, 4 not found, 5 wrong state or exists\n"
    "already, 6 denied, 7 agent unreachable, 8 damage found, 9 no space, 10 no repository, 11\n"
    "busy, 12 wrong key, 13 aborted, 130 interrupted.\n";

}  // namespace

std::string ManPage() {
  std::string page =
      ".TH VARVE 1 \"\" \"varve " VARVE_VERSION
      "\" \"User Commands\"\n"
      ".SH NAME\nvarve \\- block\\-level incremental snapshots of volumes\n"
      ".SH SYNOPSIS\n.B varve\n.I VERB\n[arguments] [options]\n"
      ".SH DESCRIPTION\n"
      "Takes snapshots of database volumes in the time and space that their changes\n"
      "take, and gives any of them back. Most verbs work on a repository directly;\n"
      "agent, addon, backup, schedule and jobs talk to the agent, varved(8).\n"
      ".SH VERBS\n";
  for (const Verb* verb : AllVerbs())
    page += VerbPart(*verb);
  page +=
      ".SH OPTIONS OF EVERY VERB\nThose of repositories and keys are not for verbs with the "
      "agent.\n" +
      OptionPart(CommonOptions());
  return page + kEnvironment + kExitStatus + ".SH SEE ALSO\n.BR varved (8)\n";
}

}  // namespace varve::cli
