// Where a mount says what it could not serve: stderr in the foreground, a file, or syslog.
// Thread-safe.
#pragma once

#include <string>

#include "base/status.h"
#include "io/file_descriptor.h"

namespace varve {

class MountLog {
 public:
  // Lines go to stderr.
  MountLog() = default;
  // Lines are appended to the file, each with the time.
  static Result<MountLog> OpenFile(const std::string& path);
  // Lines go to syslog as "varve-mount".
  static MountLog OpenSyslog();

  void Write(const std::string& line) const;

 private:
  FileDescriptor file_;
  bool syslog_ = false;
};

}  // namespace varve
