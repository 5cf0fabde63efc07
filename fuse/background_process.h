// A command that goes on in the background: the caller's terminal gets its prompt back when the
// child says that it is ready, or the child's exit code when it gives up before.
#pragma once

#include "base/status.h"
#include "io/file_descriptor.h"

namespace varve {

class BackgroundProcess {
 public:
  // Forks, so no thread may run yet and nothing may wait in stdout's buffer. In the child it
  // returns at once; in the parent when the child is ready or has ended.
  static Result<BackgroundProcess> Fork();

  bool is_parent() const { return is_parent_; }
  // In the parent: 0 when the child is ready, else what it ended with.
  int exit_code() const { return exit_code_; }
  int child() const { return child_; }
  // In the child: lets the parent go, and leaves its terminal and working directory.
  void Ready();

 private:
  bool is_parent_ = false;
  int exit_code_ = 0;
  int child_ = 0;
  FileDescriptor to_parent_;
};

// From now on SIGTERM, SIGINT and SIGHUP interrupt nothing: they make this descriptor readable.
// To be called before threads are made.
Result<FileDescriptor> StopSignals();

}  // namespace varve
