#include "fuse/mount_control.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/status.h"
#include "fuse/mountpoint.h"

namespace varve {
namespace {

constexpr int kNaturalEndMilliseconds = 1000;
constexpr int kWakeMilliseconds = 100;
// Longer than any request may take.
constexpr int kWakesMax = 300;
constexpr int kExitHung = 1;

// Lets a blocking call of the loop's thread return; does nothing itself.
void InstallWakeHandler() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  sigaction(SIGUSR2, &action, nullptr);
}

}  // namespace

MountControl::MountControl(std::string mountpoint, uint64_t read_ahead_bytes, int stop_fd,
                           std::function<void()> on_ready, std::function<void()> exit_loop)
    : mountpoint_(std::move(mountpoint)),
      read_ahead_bytes_(read_ahead_bytes),
      stop_fd_(stop_fd),
      on_ready_(std::move(on_ready)),
      exit_loop_(std::move(exit_loop)),
      loop_thread_(pthread_self()),
      ended_(eventfd(0, EFD_CLOEXEC)) {
  VARVE_CHECK(ended_.valid());
  InstallWakeHandler();
  thread_ = std::thread([this] { Run(); });
}

MountControl::~MountControl() {
  thread_.join();
}

void MountControl::LoopEnded() {
  const uint64_t one = 1;
  VARVE_CHECK(write(ended_.get(), &one, sizeof(one)) == sizeof(one));
}

bool MountControl::WaitForEnd(int milliseconds) const {
  struct pollfd ended {
    .fd = ended_.get(), .events = POLLIN, .revents = 0
  };
  return poll(&ended, 1, milliseconds) == 1;
}

// The kernel lets nobody in before it and the loop have agreed on how to talk; only then can the
// read-ahead be raised, too.
void MountControl::AnnounceWhenReady() {
  struct stat root {};
  if (stat(mountpoint_.c_str(), &root) != 0) return;  // it ended already; the loop says why
  [[maybe_unused]] const Status raised = RaiseReadAhead(mountpoint_, read_ahead_bytes_);
  on_ready_();
}

void MountControl::Run() {
  AnnounceWhenReady();
  struct pollfd events[] = {{.fd = ended_.get(), .events = POLLIN, .revents = 0},
                            {.fd = stop_fd_, .events = POLLIN, .revents = 0}};
  while (poll(events, 2, -1) < 0)
    VARVE_CHECK(errno == EINTR);
  if (events[0].revents != 0) return;
  // Nobody comes in any more. Without open files the kernel ends the loop by itself.
  const Status detached = Detach(mountpoint_, true);
  if (detached.ok() && WaitForEnd(kNaturalEndMilliseconds)) return;
  exit_loop_();
  // The loop's thread may be about to wait when a signal comes, so once is not enough.
  for (int i = 0; i < kWakesMax; ++i) {
    pthread_kill(loop_thread_, SIGUSR2);
    if (WaitForEnd(kWakeMilliseconds)) return;
  }
  // Something hangs below us for longer than any request is waited for. The kernel fails what is
  // still open when we are gone.
  _exit(kExitHung);
}

}  // namespace varve
