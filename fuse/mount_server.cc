#include "fuse/mount_server.h"

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>
#include <linux/falloc.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "base/clock.h"
#include "fuse/failure_log.h"
#include "fuse/mount_control.h"
#include "fuse/mountpoint.h"
#include "fuse/node_attributes.h"
#include "fuse/open_handles.h"
#include "fuse/request_deadlines.h"
#include "io/aligned_buffer.h"

namespace varve {
namespace {

constexpr uint64_t kReadMax = 1 * kMiB;
constexpr unsigned kBackgroundMax = 64;
constexpr unsigned kThreadsMax = 40;
// With more threads than this in requests that hang, further ones fail at once.
constexpr size_t kStuckMax = kThreadsMax / 2;

struct OpenFile {
  std::shared_ptr<VolumeView> view;
};
using OpenDirectory = std::vector<ServedNode>;

struct Server {
  const MountSettings& settings;
  ServedTree& tree;
  FailureLog log;
  RequestDeadlines deadlines;
  OpenHandles<OpenFile> files;
  OpenHandles<OpenDirectory> directories;
};

Server& ServerOf(fuse_req_t request) {
  return *static_cast<Server*>(fuse_req_userdata(request));
}

OpenFile& FileOf(const fuse_file_info* info) {
  return OpenHandles<OpenFile>::Get(info->fh);
}

const Status& StatusOf(const Status& status) {
  return status;
}
template <typename T>
const Status& StatusOf(const Result<T>& result) {
  return result.status();
}

// Runs `work` (a Status or a Result), which may hang, and then `reply` with what it says, or
// answers with its error. When the time is over EIO is the answer, and what comes later is dropped.
template <typename Work, typename Reply>
void Answer(fuse_req_t request, const char* what, int (*errno_of)(const Status&), Work work,
            Reply reply) {
  Server& server = ServerOf(request);
  const uint64_t ticket = server.deadlines.Begin([request, what, &server] {
    server.log.Note(std::string(what) + ": not served in time, answered with an error");
    fuse_reply_err(request, EIO);
  });
  if (ticket == 0) {
    server.log.Note(std::string(what) + ": refused, too many requests hang");
    fuse_reply_err(request, EIO);
    return;
  }
  const auto result = work();
  const Status& status = StatusOf(result);
  const int error = status.ok() ? 0 : errno_of(status);
  if (error == EIO) server.log.Note(std::string(what) + ": " + status.message());
  if (!server.deadlines.Finish(ticket)) return;
  if (error != 0) {
    fuse_reply_err(request, error);
  } else {
    reply(result);
  }
}

void ReplyDone(fuse_req_t request, const Status&) {
  fuse_reply_err(request, 0);
}

void Init(void*, fuse_conn_info* connection) {
  connection->max_read = kReadMax;
  connection->max_background = kBackgroundMax;
  connection->congestion_threshold = kBackgroundMax * 3 / 4;
  connection->want |= connection->capable & (FUSE_CAP_ASYNC_READ | FUSE_CAP_PARALLEL_DIROPS);
  connection->want &= ~(FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO);
}

void Lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  Server& server = ServerOf(request);
  Answer(
      request, "lookup", ErrnoOfLookup, [&] { return server.tree.Lookup(parent, name); },
      [&](const Result<ServedNode>& node) {
        fuse_entry_param entry{};
        entry.ino = node->inode;
        entry.attr = AttributesOf(*node, server.settings.allow_other);
        entry.attr_timeout = KeepSecondsOf(*node);
        entry.entry_timeout = KeepSecondsOf(*node);
        fuse_reply_entry(request, &entry);
      });
}

void ReplyAttributes(fuse_req_t request, fuse_ino_t inode) {
  Server& server = ServerOf(request);
  Answer(
      request, "attributes", ErrnoOfLookup, [&] { return server.tree.Get(inode); },
      [&](const Result<ServedNode>& node) {
        const struct stat attributes = AttributesOf(*node, server.settings.allow_other);
        fuse_reply_attr(request, &attributes, KeepSecondsOf(*node));
      });
}

void GetAttributes(fuse_req_t request, fuse_ino_t inode, fuse_file_info*) {
  ReplyAttributes(request, inode);
}

// Times are not kept; a volume has its size, and files their owner and mode.
void SetAttributes(fuse_req_t request, fuse_ino_t inode, struct stat*, int wanted,
                   fuse_file_info*) {
  if ((wanted &
       (FUSE_SET_ATTR_SIZE | FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) != 0) {
    fuse_reply_err(request, EPERM);
    return;
  }
  ReplyAttributes(request, inode);
}

void ReadLink(fuse_req_t request, fuse_ino_t inode) {
  Answer(
      request, "link", ErrnoOfLookup, [&] { return ServerOf(request).tree.Get(inode); },
      [&](const Result<ServedNode>& node) { fuse_reply_readlink(request, node->target.c_str()); });
}

void OpenDirectoryOf(fuse_req_t request, fuse_ino_t inode, fuse_file_info* info) {
  Answer(
      request, "listing", ErrnoOfLookup, [&] { return ServerOf(request).tree.List(inode); },
      [&](const Result<std::vector<ServedNode>>& nodes) {
        Server& server = ServerOf(request);
        info->fh = server.directories.Add(std::make_unique<OpenDirectory>(*nodes));
        if (fuse_reply_open(request, info) != 0) server.directories.Close(info->fh);
      });
}

void ReadDirectory(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset,
                   fuse_file_info* info) {
  const auto& nodes = OpenHandles<OpenDirectory>::Get(info->fh);
  std::vector<char> buffer(size);
  size_t used = 0;
  const auto add = [&](const std::string& name, InodeNumber number, mode_t mode, off_t next) {
    struct stat attributes {};
    attributes.st_ino = number;
    attributes.st_mode = mode;
    const size_t length = fuse_add_direntry(request, buffer.data() + used, size - used,
                                            name.c_str(), &attributes, next);
    if (length > size - used) return false;
    used += length;
    return true;
  };
  for (size_t i = static_cast<size_t>(offset); i < nodes.size() + 2; ++i) {
    const off_t next = static_cast<off_t>(i) + 1;
    if (i < 2) {
      if (!add(i == 0 ? "." : "..", inode, S_IFDIR, next)) break;
      continue;
    }
    const ServedNode& node = nodes[i - 2];
    const mode_t mode = AttributesOf(node, false).st_mode;
    if (!add(node.name, node.inode, mode, next)) break;
  }
  fuse_reply_buf(request, buffer.data(), used);
}

void ReleaseDirectory(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
  ServerOf(request).directories.Close(info->fh);
  fuse_reply_err(request, 0);
}

void Open(fuse_req_t request, fuse_ino_t inode, fuse_file_info* info) {
  Answer(
      request, "open", ErrnoOfLookup, [&] { return ServerOf(request).tree.Open(inode); },
      [&](const Result<std::shared_ptr<VolumeView>>& view) {
        if ((info->flags & O_ACCMODE) != O_RDONLY && !(*view)->writable()) {
          fuse_reply_err(request, EROFS);
          return;
        }
        Server& server = ServerOf(request);
        info->fh = server.files.Add(std::make_unique<OpenFile>(OpenFile{*view}));
        info->keep_cache = 1;
        if (fuse_reply_open(request, info) != 0) server.files.Close(info->fh);
      });
}

void Release(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
  ServerOf(request).files.Close(info->fh);
  fuse_reply_err(request, 0);
}

void Read(fuse_req_t request, fuse_ino_t, size_t size, off_t offset, fuse_file_info* info) {
  thread_local AlignedBuffer buffer(kReadMax);
  // Its own hold on the view: a request that was answered because of its age still uses it.
  const std::shared_ptr<VolumeView> view = FileOf(info).view;
  const auto begin = std::min(static_cast<uint64_t>(offset), view->size_bytes());
  const size_t length = std::min<uint64_t>({size, kReadMax, view->size_bytes() - begin});
  Answer(
      request, "read", ErrnoOfRead,
      [&] { return view->ReadAt(begin, buffer.span().first(length)); },
      [&](const Status&) {
        fuse_reply_buf(request, reinterpret_cast<const char*>(buffer.data()), length);
      });
}

void Write(fuse_req_t request, fuse_ino_t, const char* bytes, size_t size, off_t offset,
           fuse_file_info* info) {
  const std::shared_ptr<VolumeView> view = FileOf(info).view;
  const auto begin = static_cast<uint64_t>(offset);
  if (begin > view->size_bytes() || size > view->size_bytes() - begin) {
    fuse_reply_err(request, ENOSPC);  // as at the end of a disk
    return;
  }
  // A copy: after the time limit libfuse uses its buffer for something else.
  thread_local AlignedBuffer buffer(kReadMax);
  if (buffer.size() < size) buffer = AlignedBuffer(size);
  std::memcpy(buffer.data(), bytes, size);
  Answer(
      request, "write", ErrnoOf, [&] { return view->WriteAt(begin, buffer.span().first(size)); },
      [&](const Status&) { fuse_reply_write(request, size); });
}

void Sync(fuse_req_t request, fuse_ino_t, int, fuse_file_info* info) {
  const std::shared_ptr<VolumeView> view = FileOf(info).view;
  Answer(
      request, "sync", ErrnoOf, [&] { return view->writable() ? view->Sync() : Status(); },
      [&](const Status& status) { ReplyDone(request, status); });
}

void Allocate(fuse_req_t request, fuse_ino_t, int mode, off_t offset, off_t length,
              fuse_file_info* info) {
  const std::shared_ptr<VolumeView> view = FileOf(info).view;
  const int zeroing = mode & ~FALLOC_FL_KEEP_SIZE;
  if (zeroing != FALLOC_FL_PUNCH_HOLE && zeroing != FALLOC_FL_ZERO_RANGE) {
    fuse_reply_err(request, EOPNOTSUPP);
    return;
  }
  const auto begin = std::min(static_cast<uint64_t>(offset), view->size_bytes());
  const auto bytes = std::min(static_cast<uint64_t>(length), view->size_bytes() - begin);
  Answer(
      request, "punch", ErrnoOf, [&] { return view->Punch(begin, bytes); },
      [&](const Status& status) { ReplyDone(request, status); });
}

void SeekHole(fuse_req_t request, fuse_ino_t, off_t offset, int whence, fuse_file_info* info) {
  const std::shared_ptr<VolumeView> view = FileOf(info).view;
  if (whence != SEEK_DATA && whence != SEEK_HOLE) {
    fuse_reply_err(request, EINVAL);
    return;
  }
  if (offset < 0 || static_cast<uint64_t>(offset) >= view->size_bytes()) {
    fuse_reply_err(request, ENXIO);
    return;
  }
  Answer(
      request, "seek", ErrnoOfRead,
      [&] { return SeekIn(*view, static_cast<uint64_t>(offset), whence == SEEK_DATA); },
      [&](const Result<std::optional<uint64_t>>& found) {
        if (*found) {
          fuse_reply_lseek(request, static_cast<off_t>(**found));
        } else {
          fuse_reply_err(request, ENXIO);
        }
      });
}

void StatisticsOf(fuse_req_t request, fuse_ino_t) {
  struct statvfs statistics {};
  statistics.f_bsize = statistics.f_frsize = kDirectAlignment;
  statistics.f_blocks = DivideUp(ServerOf(request).tree.TotalBytes(), kDirectAlignment);
  statistics.f_namemax = 255;
  fuse_reply_statfs(request, &statistics);
}

void ReplyText(fuse_req_t request, const std::string& text, size_t size) {
  if (size == 0) {
    fuse_reply_xattr(request, text.size());
  } else if (text.size() > size) {
    fuse_reply_err(request, ERANGE);
  } else {
    fuse_reply_buf(request, text.data(), text.size());
  }
}

void GetExtended(fuse_req_t request, fuse_ino_t inode, const char* name, size_t size) {
  Answer(
      request, "attribute", ErrnoOfLookup,
      [&] { return ExtendedAttributesOf(ServerOf(request).tree, inode); },
      [&](const Result<ExtendedAttributes>& attributes) {
        for (const auto& [key, value] : *attributes) {
          if (key == name) return ReplyText(request, value, size);
        }
        fuse_reply_err(request, ENODATA);
      });
}

void ListExtended(fuse_req_t request, fuse_ino_t inode, size_t size) {
  Answer(
      request, "attributes", ErrnoOfLookup,
      [&] { return ExtendedAttributesOf(ServerOf(request).tree, inode); },
      [&](const Result<ExtendedAttributes>& attributes) {
        std::string names;
        for (const auto& [key, value] : *attributes)
          names += key + '\0';
        ReplyText(request, names, size);
      });
}

fuse_lowlevel_ops Operations() {
  fuse_lowlevel_ops operations{};
  operations.init = Init;
  operations.lookup = Lookup;
  operations.getattr = GetAttributes;
  operations.setattr = SetAttributes;
  operations.readlink = ReadLink;
  operations.opendir = OpenDirectoryOf;
  operations.readdir = ReadDirectory;
  operations.releasedir = ReleaseDirectory;
  operations.open = Open;
  operations.release = Release;
  operations.read = Read;
  operations.write = Write;
  operations.fsync = Sync;
  operations.fallocate = Allocate;
  operations.lseek = SeekHole;
  operations.statfs = StatisticsOf;
  operations.getxattr = GetExtended;
  operations.listxattr = ListExtended;
  return operations;
}

// What libfuse has to say goes where everything goes.
FailureLog* libfuse_log = nullptr;

void LogOfLibfuse(fuse_log_level, const char* format, va_list arguments) {
  char text[512];
  vsnprintf(text, sizeof(text), format, arguments);
  std::string line(text);
  while (!line.empty() && line.back() == '\n')
    line.pop_back();
  if (libfuse_log != nullptr && !line.empty()) libfuse_log->Note(line);
}

std::string MountOptions(const MountSettings& settings) {
  // A comma in the source would begin another option.
  std::string source;
  for (const char character : settings.source) {
    if (character == ',' || character == '\\') source += '\\';
    source += character;
  }
  return "fsname=" + source + ",subtype=varve,nosuid,nodev,noexec,default_permissions,max_read=" +
         std::to_string(kReadMax) + (settings.writable ? ",rw" : ",ro") +
         (settings.allow_other ? ",allow_other" : "");
}

struct SessionDeleter {
  void operator()(fuse_session* session) const { fuse_session_destroy(session); }
};

Status RunLoop(fuse_session& session) {
  const std::unique_ptr<fuse_loop_config, void (*)(fuse_loop_config*)> config(
      fuse_loop_cfg_create(), fuse_loop_cfg_destroy);
  fuse_loop_cfg_set_clone_fd(config.get(), 1);
  fuse_loop_cfg_set_max_threads(config.get(), kThreadsMax);
  fuse_loop_cfg_set_idle_threads(config.get(), kThreadsMax);
  const int result = fuse_session_loop_mt(&session, config.get());
  // A positive one would be a signal that libfuse caught; we do not ask it to.
  return result < 0 ? Status::FromErrno(-result, "serving the mount") : Status();
}

}  // namespace

Status ServeMount(const MountSettings& settings, ServedTree& tree,
                  const std::function<void(const std::string&)>& log,
                  const std::function<void()>& on_ready) {
  Server server{settings,
                tree,
                FailureLog(log, Clock::System()),
                RequestDeadlines(settings.time_limit, kStuckMax),
                {},
                {}};
  libfuse_log = &server.log;
  fuse_set_log_func(LogOfLibfuse);
  std::string program = "varve";
  std::string dash_o = "-o";
  std::string options = MountOptions(settings);
  char* words[] = {program.data(), dash_o.data(), options.data(), nullptr};
  fuse_args arguments FUSE_ARGS_INIT(3, words);
  const fuse_lowlevel_ops operations = Operations();
  const std::unique_ptr<fuse_session, SessionDeleter> session(
      fuse_session_new(&arguments, &operations, sizeof(operations), &server));
  fuse_opt_free_args(&arguments);
  if (session == nullptr) return InvalidArgument("libfuse refuses " + options);
  errno = 0;
  if (fuse_session_mount(session.get(), settings.mountpoint.c_str()) != 0) {
    return Status::FromErrno(errno == 0 ? EIO : errno, "mounting at " + settings.mountpoint);
  }
  MountControl control(settings.mountpoint, settings.read_ahead_bytes, settings.stop_fd, on_ready,
                       [&] { fuse_session_exit(session.get()); });
  Status status = RunLoop(*session);
  control.LoopEnded();
  fuse_session_unmount(session.get());
  libfuse_log = nullptr;
  const Result<bool> remains = RemoveDeadMounts(settings.mountpoint);
  if (status.ok()) status = remains.status();
  return status;
}

}  // namespace varve
