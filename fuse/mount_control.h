// Stands beside the loop that serves a mount: tells when the mount answers, raises its read-ahead,
// and ends it when it is to end, whatever hangs then. Knows nothing of libfuse.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "io/file_descriptor.h"

namespace varve {

class MountControl {
 public:
  // To be made by the thread that will run the loop, once the file system is mounted. When
  // `stop_fd` becomes readable, the mount is detached and `exit_loop` called; SIGUSR2 wakes the
  // loop's thread then. The process ends hard when requests that hang keep the loop from ending.
  MountControl(std::string mountpoint, uint64_t read_ahead_bytes, int stop_fd,
               std::function<void()> on_ready, std::function<void()> exit_loop);
  // LoopEnded was called.
  ~MountControl();
  void LoopEnded();

 private:
  void Run();
  void AnnounceWhenReady();
  // True once the loop has ended.
  bool WaitForEnd(int milliseconds) const;

  const std::string mountpoint_;
  const uint64_t read_ahead_bytes_;
  const int stop_fd_;
  const std::function<void()> on_ready_;
  const std::function<void()> exit_loop_;
  const pthread_t loop_thread_;
  const FileDescriptor ended_;  // an eventfd
  std::thread thread_;
};

}  // namespace varve
