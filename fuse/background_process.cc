#include "fuse/background_process.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

namespace varve {
namespace {

constexpr int kExitKilled = 1;

int WaitForExit(pid_t child) {
  int state = 0;
  while (waitpid(child, &state, 0) < 0) {
    if (errno != EINTR) return kExitKilled;
  }
  return WIFEXITED(state) ? WEXITSTATUS(state) : kExitKilled;
}

}  // namespace

Result<BackgroundProcess> BackgroundProcess::Fork() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Status::FromErrno(errno, "making a pipe");
  FileDescriptor from_child(ends[0]);
  FileDescriptor to_parent(ends[1]);
  std::fflush(stdout);
  const pid_t child = fork();
  if (child < 0) return Status::FromErrno(errno, "starting the background process");
  BackgroundProcess process;
  if (child == 0) {
    setsid();
    process.to_parent_ = std::move(to_parent);
    return process;
  }
  process.is_parent_ = true;
  process.child_ = child;
  to_parent = FileDescriptor();
  char word = 0;
  ssize_t got = 0;
  do {
    got = read(from_child.get(), &word, 1);
  } while (got < 0 && errno == EINTR);
  if (got != 1) process.exit_code_ = WaitForExit(child);
  return process;
}

void BackgroundProcess::Ready() {
  // Where this fails, a directory stays busy or a terminal sees a line too many; nothing is lost.
  [[maybe_unused]] const int changed = chdir("/");
  const FileDescriptor nothing(open("/dev/null", O_RDWR | O_CLOEXEC));
  std::fflush(stdout);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (nothing.valid()) dup2(nothing.get(), fd);
  }
  [[maybe_unused]] const ssize_t told = write(to_parent_.get(), "R", 1);
  to_parent_ = FileDescriptor();
}

Result<FileDescriptor> StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal_number : {SIGTERM, SIGINT, SIGHUP})
    sigaddset(&signals, signal_number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  FileDescriptor fd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) return Status::FromErrno(errno, "signalfd");
  return fd;
}

}  // namespace varve
