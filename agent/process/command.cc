#include "agent/process/command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "io/file_descriptor.h"

namespace varve::agent {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;

constexpr milliseconds kTermGrace{2000};
constexpr milliseconds kKillGrace{2000};
constexpr milliseconds kCancelLook{100};

// What of a command's output is kept.
class BoundedOutput {
 public:
  explicit BoundedOutput(size_t bytes_max) : bytes_max_(bytes_max) {}

  void Append(const char* bytes, size_t count) {
    const size_t kept = std::min(count, bytes_max_ - std::min(bytes_max_, text_.size()));
    text_.append(bytes, kept);
    dropped_ += count - kept;
  }
  std::string Take() {
    if (dropped_ == 0) return std::move(text_);
    if (!text_.empty() && text_.back() != '\n') text_ += '\n';
    return std::move(text_) + "(" + std::to_string(dropped_) + " bytes more were dropped)\n";
  }

 private:
  const size_t bytes_max_;
  std::string text_;
  uint64_t dropped_ = 0;
};

std::vector<std::string> EnvironmentWords(const std::map<std::string, std::string>& given) {
  std::map<std::string, std::string> all;
  for (const char* name : {"PATH", "LANG", "HOME"}) {
    if (const char* const value = std::getenv(name)) all[name] = value;
  }
  for (const auto& [name, value] : given)
    all[name] = value;
  std::vector<std::string> words;
  for (const auto& [name, value] : all)
    words.push_back(name + "=" + value);
  return words;
}

std::vector<char*> Pointers(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words)
    pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

// The attributes and file actions of a child that has nothing of ours: posix_spawn's two objects
// with an end.
class SpawnSettings {
 public:
  explicit SpawnSettings(int output) {
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes_, 0);
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes_, &signals);
    for (const int number : {SIGPIPE, SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1, SIGUSR2})
      sigaddset(&signals, number);
    posix_spawnattr_setsigdefault(&attributes_, &signals);
    posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, output, 1);
    posix_spawn_file_actions_adddup2(&actions_, output, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  const posix_spawnattr_t* attributes() const { return &attributes_; }
  const posix_spawn_file_actions_t* actions() const { return &actions_; }

 private:
  posix_spawnattr_t attributes_;
  posix_spawn_file_actions_t actions_;
};

// A running command; its process is reaped at the latest when this ends.
class RunningCommand {
 public:
  static Result<RunningCommand> Start(const CommandRequest& request);
  RunningCommand(RunningCommand&& other) noexcept
      : name_(std::move(other.name_)),
        pid_(std::exchange(other.pid_, -1)),
        process_(std::move(other.process_)),
        output_(std::move(other.output_)) {}
  ~RunningCommand() {
    if (pid_ > 0) KillGroup();
  }

  // OK when the process has ended; what it wrote until then is in `kept`.
  Status Await(const CommandRequest& request, BoundedOutput& kept);
  // After Await() was OK. What the command left running (a database) stays.
  Result<int> ExitCode();
  // Ends the whole group, the polite way first.
  void EndGroup(BoundedOutput& kept);

 private:
  RunningCommand() = default;

  // Waits for the process's end until `until`; what it writes goes to `kept`. Whether it ended.
  Result<bool> Pump(SteadyTime until, BoundedOutput& kept);
  void Drain(BoundedOutput& kept);
  void KillGroup();

  std::string name_;
  pid_t pid_ = -1;
  FileDescriptor process_;  // readable when it has ended
  FileDescriptor output_;   // of our end of the pipe
};

Result<RunningCommand> RunningCommand::Start(const CommandRequest& request) {
  if (request.argv.empty() || request.argv[0].empty()) {
    return InvalidArgument("a command without a program");
  }
  RunningCommand command;
  command.name_ = request.argv[0];
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Status::FromErrno(errno, command.name_ + ": pipe");
  command.output_ = FileDescriptor(ends[0]);
  const FileDescriptor theirs(ends[1]);
  if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
    return Status::FromErrno(errno, command.name_ + ": pipe");
  }
  const SpawnSettings settings(theirs.get());
  std::vector<std::string> words = request.argv;
  std::vector<std::string> environment = EnvironmentWords(request.environment);
  const int error =
      posix_spawnp(&command.pid_, command.name_.c_str(), settings.actions(), settings.attributes(),
                   Pointers(words).data(), Pointers(environment).data());
  if (error != 0) {
    command.pid_ = -1;
    return Status::FromErrno(error, "program " + command.name_);
  }
  const long pidfd = syscall(SYS_pidfd_open, command.pid_, 0);
  if (pidfd < 0) return Status::FromErrno(errno, command.name_ + ": pidfd_open");
  command.process_ = FileDescriptor(static_cast<int>(pidfd));
  return command;
}

void RunningCommand::Drain(BoundedOutput& kept) {
  char buffer[64 << 10];
  // Bounded: something that it left behind may go on writing for ever.
  for (int round = 0; round < 1024; ++round) {
    const ssize_t count = read(output_.get(), buffer, sizeof(buffer));
    if (count <= 0) return;
    kept.Append(buffer, static_cast<size_t>(count));
  }
}

Result<bool> RunningCommand::Pump(SteadyTime until, BoundedOutput& kept) {
  char buffer[64 << 10];
  bool open = true;
  while (true) {
    const auto left =
        std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now()).count();
    if (left <= 0) return false;
    pollfd polled[2] = {{process_.get(), POLLIN, 0}, {open ? output_.get() : -1, POLLIN, 0}};
    if (poll(polled, 2, static_cast<int>(left)) < 0 && errno != EINTR) {
      return Status::FromErrno(errno, name_ + ": poll");
    }
    if (polled[1].revents != 0) {
      const ssize_t count = read(output_.get(), buffer, sizeof(buffer));
      if (count > 0) kept.Append(buffer, static_cast<size_t>(count));
      open = count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
    }
    if (polled[0].revents != 0) {
      Drain(kept);
      return true;
    }
  }
}

Status RunningCommand::Await(const CommandRequest& request, BoundedOutput& kept) {
  const SteadyTime deadline = std::chrono::steady_clock::now() + request.timeout;
  while (true) {
    const SteadyTime look = std::chrono::steady_clock::now() + kCancelLook;
    VARVE_ASSIGN_OR_RETURN(const bool ended, Pump(std::min(look, deadline), kept));
    if (ended) return {};
    if (request.cancel != nullptr && request.cancel->cancelled) {
      return Cancelled(name_ + " was ended: cancelled");
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      const double seconds = static_cast<double>(request.timeout.count()) / 1000;
      std::string text = std::to_string(seconds);
      text.erase(text.find_last_not_of('0') + 1);
      if (text.back() == '.') text.pop_back();
      return Status(Code::kIo, name_ + " timed out after " + text + " s", ETIMEDOUT);
    }
  }
}

Result<int> RunningCommand::ExitCode() {
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED) != 0) {
    if (errno != EINTR) return Status::FromErrno(errno, name_ + ": waitid");
  }
  pid_ = -1;
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

void RunningCommand::EndGroup(BoundedOutput& kept) {
  kill(-pid_, SIGTERM);
  // Whether it took the hint or not: KillGroup() makes sure of all of it.
  [[maybe_unused]] const Result<bool> ended =
      Pump(std::chrono::steady_clock::now() + kTermGrace, kept);
  KillGroup();
}

void RunningCommand::KillGroup() {
  // The leader is not reaped yet, so the group's number is still ours.
  kill(-pid_, SIGKILL);
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED) != 0 && errno == EINTR) {
  }
  // The rest of the group belongs to init now; it is gone when nobody can be signalled.
  const SteadyTime until = std::chrono::steady_clock::now() + kKillGrace;
  while (kill(-pid_, 0) == 0 && std::chrono::steady_clock::now() < until) {
    poll(nullptr, 0, 5);
  }
  pid_ = -1;
}

Result<int> RunKeeping(const CommandRequest& request, BoundedOutput& kept) {
  VARVE_ASSIGN_OR_RETURN(RunningCommand command, RunningCommand::Start(request));
  const Status ended = command.Await(request, kept);
  if (ended.ok()) return command.ExitCode();
  command.EndGroup(kept);
  return ended;
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    if (end > begin) lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

}  // namespace

Result<CommandResult> RunCommand(const CommandRequest& request) {
  BoundedOutput kept(request.output_bytes_max);
  VARVE_ASSIGN_OR_RETURN(const int exit_code, RunKeeping(request, kept));
  return CommandResult{exit_code, kept.Take()};
}

Status RunHook(const std::string& what, const CommandRequest& request,
               const std::function<void(const std::string& line)>& log) {
  BoundedOutput kept(request.output_bytes_max);
  const Result<int> exit_code = RunKeeping(request, kept);
  const std::vector<std::string> lines = LinesOf(kept.Take());
  for (const std::string& line : lines)
    log(line);
  if (!exit_code.ok()) return exit_code.status().WithContext(what);
  if (*exit_code == 0) return {};
  return Status(Code::kIo, what + ": " + request.argv[0] + " ended with exit code " +
                               std::to_string(*exit_code) +
                               (lines.empty() ? "" : ": " + lines.back()));
}

}  // namespace varve::agent
