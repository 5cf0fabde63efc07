#include "interrupt.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <initializer_list>

namespace varve::cli {
namespace {

constexpr int kExitInterrupted = 130;

// Read and written by the signal handler.
std::atomic<Progress*> cancelled_progress{nullptr};
std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void OnSignal(int) {
  if (interrupted.exchange(true)) _exit(kExitInterrupted);
  cancelled_progress.load()->cancelled = true;
}

}  // namespace

void CancelOnSignals(Progress& progress) {
  cancelled_progress = &progress;
  struct sigaction action {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) {
    sigaction(signal_number, &action, nullptr);
  }
  // A reader of stdout that went away is an error of writing, not a reason to die half-way.
  std::signal(SIGPIPE, SIG_IGN);
}

bool WasInterrupted() {
  return interrupted;
}

}  // namespace varve::cli
