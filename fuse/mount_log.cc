#include "fuse/mount_log.h"

#include <fcntl.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/clock.h"

namespace varve {

Result<MountLog> MountLog::OpenFile(const std::string& path) {
  MountLog log;
  log.file_ = FileDescriptor(
      open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!log.file_.valid()) return Status::FromErrno(errno, "log " + path);
  return log;
}

MountLog MountLog::OpenSyslog() {
  openlog("varve-mount", LOG_PID, LOG_DAEMON);
  MountLog log;
  log.syslog_ = true;
  return log;
}

void MountLog::Write(const std::string& line) const {
  if (syslog_) {
    syslog(LOG_WARNING, "%s", line.c_str());
    return;
  }
  std::string text = line;
  std::replace(text.begin(), text.end(), '\n', ' ');
  text = (file_.valid() ? FormatUtc(Clock::System().NowUnixNs()) + " " : "varve: ") + text + "\n";
  // One write, so that lines of several threads do not mix. There is nobody to tell if it fails.
  [[maybe_unused]] const ssize_t written =
      write(file_.valid() ? file_.get() : STDERR_FILENO, text.data(), text.size());
}

}  // namespace varve
