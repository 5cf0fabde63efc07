#include "agent/capture/addon_hooks.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "agent/process/redaction.h"

namespace varve::agent {
namespace {

constexpr size_t kSecretBytesMax = 4096;
constexpr size_t kAnswerBytesMax = 4096;
constexpr int kHealthPauseMs = 250;

// The content of a password file, so that it can be taken out of lines. None if it cannot be read:
// then nobody else who runs as we do can print it either.
std::vector<std::string> SecretsOf(const std::string& file) {
  if (file.empty()) return {};
  std::ifstream stream(file);
  std::string text(kSecretBytesMax, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(stream.gcount()));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
    text.pop_back();
  return text.size() < 3 ? std::vector<std::string>{} : std::vector<std::string>{text};
}

std::string Replaced(std::string word, const std::map<std::string, std::string>& values) {
  std::string out;
  size_t at = 0;
  while (at < word.size()) {
    const size_t open = word.find('{', at);
    const size_t close = open == std::string::npos ? open : word.find('}', open);
    if (close == std::string::npos) break;
    const auto value = values.find(word.substr(open + 1, close - open - 1));
    // Values are not looked at again: one with braces stays as it is.
    out += word.substr(at, open - at);
    if (value != values.end()) {
      out += value->second;
      at = close + 1;
    } else {
      out += '{';
      at = open + 1;
    }
  }
  return out + word.substr(at);
}

bool IsXfs(const std::string& volume) {
  std::ifstream file(volume, std::ios::binary);
  char magic[4] = {};
  file.read(magic, sizeof(magic));
  return file && std::string(magic, 4) == "XFSB";
}

bool IsBlockDevice(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISBLK(status.st_mode);
}

}  // namespace

bool IsMountpoint(const std::string& path) {
  struct statx about {};
  return statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &about) == 0 &&
         (about.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

AddonHooks::AddonHooks(const Addon& addon, const HookSet& hooks, UndoLog log)
    : addon_(addon),
      hooks_(hooks),
      log_(std::move(log)),
      secrets_(SecretsOf(addon.connection.password_file)) {}

CommandRequest AddonHooks::RequestOf(const std::vector<std::string>& words) const {
  const std::string port = std::to_string(addon_.connection.port);
  const std::map<std::string, std::string> values = {{"addon", addon_.id},
                                                     {"volume", addon_.volume.path},
                                                     {"mountpoint", addon_.volume.mountpoint},
                                                     {"port", port}};
  CommandRequest request;
  for (const std::string& word : words)
    request.argv.push_back(Replaced(word, values));
  request.environment = {{"VARVE_ADDON", addon_.id},
                         {"VARVE_VOLUME", addon_.volume.path},
                         {"VARVE_MOUNTPOINT", addon_.volume.mountpoint},
                         {"VARVE_PORT", port}};
  request.timeout = hooks_.timeout;
  return request;
}

Status AddonHooks::Run(const std::string& what, const std::vector<std::string>& words) const {
  if (words.empty()) return {};
  const Status status = RunHook(what, RequestOf(words), [&](const std::string& line) {
    log_("info", what + ": " + Redacted(line, secrets_));
  });
  if (status.ok()) return {};
  return Status(status.code(), Redacted(status.message(), secrets_), status.error_number());
}

Status AddonHooks::Health(const Progress& progress) const {
  if (hooks_.health.empty()) return {};
  const auto until = std::chrono::steady_clock::now() + hooks_.timeout;
  CommandRequest request = RequestOf(hooks_.health);
  request.cancel = &progress;
  while (std::chrono::steady_clock::now() < until) {
    VARVE_ASSIGN_OR_RETURN(const CommandResult result, RunCommand(request));
    if (result.exit_code == 0) return {};
    if (progress.cancelled) return Cancelled("health hook: aborted");
    poll(nullptr, 0, kHealthPauseMs);
  }
  return Run("health hook", hooks_.health);
}

Result<std::string> AddonHooks::DrillCheck(const Progress& progress) const {
  if (hooks_.drill_check.empty()) {
    return Unsupported("addon " + addon_.id + " has no drill check hook: nothing would be asked");
  }
  CommandRequest request = RequestOf(hooks_.drill_check);
  request.cancel = &progress;
  std::string answer;
  const Status status = RunHook("drill check hook", request, [&](const std::string& line) {
    const std::string clean = Redacted(line, secrets_);
    log_("info", "drill check hook: " + clean);
    if (answer.size() + clean.size() < kAnswerBytesMax) {
      answer += (answer.empty() ? "" : "\n") + clean;
    }
  });
  if (status.ok()) return answer;
  return Status(status.code(), Redacted(status.message(), secrets_), status.error_number());
}

std::vector<std::string> AddonHooks::MountWords() const {
  if (!hooks_.mount.empty()) return hooks_.mount;
  std::string options = IsBlockDevice(addon_.volume.path) ? "" : "loop,";
  options += "nosuid,nodev";
  if (IsXfs(addon_.volume.path)) options += ",nouuid";
  return {"mount", "-o", options, "--", "{volume}", "{mountpoint}"};
}

std::vector<std::string> AddonHooks::UnmountWords() const {
  if (!hooks_.unmount.empty()) return hooks_.unmount;
  return {"umount", "--", "{mountpoint}"};
}

bool AddonHooks::IsMounted() const {
  return !addon_.volume.mountpoint.empty() && IsMountpoint(addon_.volume.mountpoint);
}

Status AddonHooks::Mount() const {
  if (addon_.volume.mountpoint.empty() || IsMounted()) return {};
  return Run("mount hook", MountWords());
}

Status AddonHooks::Unmount() const {
  if (!IsMounted()) return {};
  return Run("unmount hook", UnmountWords());
}

UndoStep AddonHooks::StepOf(UndoStep::Kind kind, const std::string& what,
                            const std::vector<std::string>& words) const {
  const CommandRequest request = RequestOf(words);
  UndoStep step;
  step.kind = kind;
  step.what = what;
  step.argv = request.argv;
  step.environment = request.environment;
  step.timeout = hooks_.timeout;
  return step;
}

UndoStep AddonHooks::ThawStep() const {
  return StepOf(UndoStep::Kind::kRun, "thaw hook", hooks_.thaw);
}

UndoStep AddonHooks::DrillStopStep() const {
  return StepOf(UndoStep::Kind::kRun, "drill stop hook", hooks_.drill_stop);
}

UndoStep AddonHooks::StartStep() const {
  UndoStep step = StepOf(UndoStep::Kind::kStart, "start hook", hooks_.start);
  if (!hooks_.health.empty()) step.check = RequestOf(hooks_.health).argv;
  return step;
}

std::vector<UndoStep> AddonHooks::BringUpSteps() const {
  std::vector<UndoStep> steps;
  if (!addon_.volume.mountpoint.empty()) {
    UndoStep mount = StepOf(UndoStep::Kind::kStart, "mount hook", MountWords());
    // A second mount over the first would hide it.
    mount.path = addon_.volume.mountpoint;
    steps.push_back(mount);
  }
  if (!hooks_.start.empty()) steps.push_back(StartStep());
  return steps;
}

}  // namespace varve::agent
