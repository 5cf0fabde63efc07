#include "instant_restore_run.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "fuse/mount_server.h"
#include "fuse/mountpoint.h"
#include "fuse/snapshot_source.h"
#include "fuse/volume_tree.h"
#include "human_units.h"
#include "io/file_descriptor.h"
#include "key_options.h"
#include "restore/instant_restore.h"

namespace varve::cli {
namespace {

constexpr size_t kCacheBytes = 128 * kMiB;

// Makes a descriptor readable when the run is interrupted: what a mount waits for.
class InterruptWatch {
 public:
  explicit InterruptWatch(const Progress& progress)
      : progress_(progress), event_(eventfd(0, EFD_CLOEXEC)), thread_([this] { Watch(); }) {}
  ~InterruptWatch() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  int descriptor() const { return event_.get(); }

 private:
  void Watch() {
    std::unique_lock lock(mutex_);
    while (!over_ && !progress_.cancelled)
      changed_.wait_for(lock, std::chrono::milliseconds(50));
    const uint64_t one = 1;
    if (!over_) [[maybe_unused]]
      const ssize_t put = write(event_.get(), &one, sizeof(one));
  }

  const Progress& progress_;
  const FileDescriptor event_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;  // guarded by mutex_
  std::thread thread_;
};

struct InstantRequest {
  SnapshotRecord record;
  std::string target;
  std::string mountpoint;  // resolved
  uint64_t bytes_per_second = 0;
};

Result<InstantRequest> ParseRequest(const Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  for (const char* other : {"in-place", "force", "offset", "length"}) {
    if (arguments.Has(other)) {
      return InvalidArgument(
          std::string("--instant makes a new, whole file: it does not go with --") + other);
    }
  }
  InstantRequest request;
  request.target = arguments.Get("TARGET");
  VARVE_ASSIGN_OR_RETURN(request.mountpoint, ResolveMountpoint(arguments.Get("instant")));
  if (const auto rate = arguments.Find("rate")) {
    VARVE_ASSIGN_OR_RETURN(request.bytes_per_second, ParseSize("rate", *rate));
  }
  VARVE_ASSIGN_OR_RETURN(request.record, invocation.engine->Find(arguments.Get("SNAPSHOT")));
  return request;
}

void SayState(Console& console, const InstantRequest& request, const std::string& state,
              const std::string& text) {
  if (console.json()) {
    console.PrintJson(JsonValue::Object{{"message_type", "status"},
                                        {"state", state},
                                        {"snapshotId", request.record.id.Hex()},
                                        {"target", request.target},
                                        {"mountpoint", request.mountpoint}});
  } else {
    console.Print(text + "\n");
  }
  [[maybe_unused]] const Status flushed = console.Flush();
}

void SaySummary(Console& console, const InstantRequest& request, uint64_t bytes_found) {
  if (console.json()) {
    console.PrintJson(JsonValue::Object{{"message_type", "summary"},
                                        {"snapshotId", request.record.id.Hex()},
                                        {"target", request.target},
                                        {"bytesTotal", request.record.size_bytes},
                                        {"bytesFound", bytes_found},
                                        {"resumed", bytes_found > 0}});
  } else {
    console.Print("restored snapshot " + request.record.id.Short() + " of " +
                  request.record.volume_name + ", with what was written meanwhile, to " +
                  request.target + "\n");
  }
}

// Serves the mount and fills behind it. OK when both have ended well.
Status ServeAndFill(Invocation& invocation, const InstantRequest& request,
                    InstantRestore& restore) {
  Console& console = invocation.console;
  const auto log = [&](const std::string& line) { console.Note(line); };
  VolumeTree tree(std::shared_ptr<VolumeView>(std::shared_ptr<void>(), &restore.view()),
                  request.record, request.record.size_bytes);
  const InterruptWatch interrupt(invocation.progress);
  MountSettings settings;
  settings.mountpoint = request.mountpoint;
  settings.source = "varve:" + request.target;
  settings.writable = true;
  settings.allow_other = invocation.arguments.Has("allow-other");
  settings.stop_fd = interrupt.descriptor();
  Status filled;
  std::thread filler([&] {
    filled = restore.Fill(request.bytes_per_second, Clock::System(), invocation.progress);
    if (filled.ok()) {
      SayState(console, request, "filled",
               "all of it is in the target; when " + request.mountpoint +
                   " is unmounted it becomes " + request.target);
    } else if (filled.code() != Code::kCancelled) {
      console.Warn("the fill stopped, the mount goes on: " + filled.message());
    }
  });
  Status served = ServeMount(settings, tree, log, [&] {
    SayState(console, request, "mounted",
             "usable at " + request.mountpoint + "/volume.raw while it is restored");
  });
  if (!served.ok()) invocation.progress.cancelled = true;
  filler.join();
  VARVE_RETURN_IF_ERROR(served);
  // Written through the mount since the last sync: an interrupted restore keeps it, too.
  VARVE_RETURN_IF_ERROR(restore.view().Sync());
  return filled;
}

}  // namespace

Result<ExitCode> RestoreInstantly(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const InstantRequest request, ParseRequest(invocation));
  VARVE_ASSIGN_OR_RETURN(const bool removed, PrepareMountpoint(request.mountpoint));
  if (removed) {
    invocation.console.Note("took away what a killed mount left at " + request.mountpoint);
  }
  VARVE_ASSIGN_OR_RETURN(const KeySource key, KeySourceOf(invocation.arguments));
  SnapshotSource source(
      [&] {
        return Engine::Open(invocation.repository, OpenMode::kRead, "instant restore",
                            [&](const std::string& text) { invocation.console.Note(text); }, {key});
      },
      kCacheBytes);
  VARVE_RETURN_IF_ERROR(source.Pin(request.record.id));
  VARVE_ASSIGN_OR_RETURN(const auto file, SnapshotFile::Open(source, request.record));
  const OverlayBinding binding{invocation.engine->repository().config().id, request.record.id,
                               request.record.size_bytes};
  VARVE_ASSIGN_OR_RETURN(const std::unique_ptr<InstantRestore> restore,
                         InstantRestore::Open(request.target, binding, file));
  if (restore->bytes_found() > 0) {
    invocation.console.Note("going on with a restore that has " +
                            HumanSize(restore->bytes_found()) + " already");
  }
  VARVE_RETURN_IF_ERROR(ServeAndFill(invocation, request, *restore));
  VARVE_RETURN_IF_ERROR(restore->Finish());
  SaySummary(invocation.console, request, restore->bytes_found());
  return ExitCode::kOk;
}

}  // namespace varve::cli
