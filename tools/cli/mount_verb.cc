#include <filesystem>

#include "fuse/background_process.h"
#include "fuse/mount_log.h"
#include "fuse/mount_server.h"
#include "fuse/mountpoint.h"
#include "fuse/repository_tree.h"
#include "fuse/volume_tree.h"
#include "human_units.h"
#include "key_options.h"
#include "restore/overlay_directory.h"
#include "verb.h"

namespace varve::cli {
namespace {

constexpr const char* kCacheDefault = "128M";

// What the arguments ask for, before anything is opened.
struct MountRequest {
  std::string repository;  // absolute: a background process leaves the directory
  std::string selector;    // empty: the whole repository
  std::string mountpoint;  // resolved
  uint64_t cache_bytes = 0;
  bool foreground = false;
  bool allow_other = false;
  bool writable = false;
  std::string overlay;  // absolute; empty: one that goes away with the mount
};

Result<MountRequest> ParseRequest(const Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  MountRequest request;
  request.repository = std::filesystem::absolute(invocation.repository).string();
  const std::optional<std::string> second = arguments.Find("MOUNTPOINT");
  if (second) request.selector = arguments.Get("SNAPSHOT");
  VARVE_ASSIGN_OR_RETURN(request.mountpoint,
                         ResolveMountpoint(second ? *second : arguments.Get("SNAPSHOT")));
  VARVE_ASSIGN_OR_RETURN(request.cache_bytes,
                         ParseSize("cache-size", arguments.FindOr("cache-size", kCacheDefault)));
  request.foreground = arguments.Has("foreground");
  request.allow_other = arguments.Has("allow-other");
  request.writable = arguments.Has("writable");
  if (request.writable && request.selector.empty()) {
    return InvalidArgument("--writable mounts one snapshot: give SNAPSHOT and MOUNTPOINT");
  }
  if (const auto overlay = arguments.Find("overlay")) {
    if (!request.writable) return InvalidArgument("--overlay takes writes: it needs --writable");
    request.overlay = std::filesystem::absolute(*overlay).string();
  }
  return request;
}

Result<MountLog> OpenLog(const Invocation& invocation, const MountRequest& request) {
  if (invocation.arguments.Has("log")) return MountLog::OpenFile(invocation.arguments.Get("log"));
  if (request.foreground) return MountLog();
  return MountLog::OpenSyslog();
}

void SayMounted(Invocation& invocation, const MountRequest& request, int process) {
  if (invocation.console.json()) {
    invocation.console.PrintJson(
        JsonValue::Object{{"mountpoint", request.mountpoint}, {"process", process}});
  } else {
    invocation.console.Print("mounted at " + request.mountpoint + " (process " +
                             std::to_string(process) + ")\n");
  }
}

// The snapshot, with what was written over it. The view keeps all of it alive.
Result<std::shared_ptr<VolumeView>> OpenWritable(const MountRequest& request, Engine& engine,
                                                 const SnapshotRecord& record,
                                                 std::shared_ptr<VolumeView> snapshot) {
  const OverlayBinding binding{engine.repository().config().id, record.id, record.size_bytes};
  VARVE_ASSIGN_OR_RETURN(std::shared_ptr<OverlayDirectory> overlay,
                         request.overlay.empty()
                             ? OverlayDirectory::OpenTemporary(binding, std::move(snapshot))
                             : OverlayDirectory::Open(request.overlay, binding, std::move(snapshot),
                                                      "mounted at " + request.mountpoint));
  return std::shared_ptr<VolumeView>(overlay, &overlay->view());
}

Result<std::unique_ptr<ServedTree>> OpenTree(const MountRequest& request, SnapshotSource& source,
                                             Engine& engine) {
  if (request.selector.empty()) {
    VARVE_ASSIGN_OR_RETURN(auto tree, RepositoryTree::Create(source, Clock::System()));
    return std::unique_ptr<ServedTree>(std::move(tree));
  }
  VARVE_ASSIGN_OR_RETURN(const SnapshotRecord record, engine.Find(request.selector));
  VARVE_RETURN_IF_ERROR(source.Pin(record.id));
  VARVE_ASSIGN_OR_RETURN(const auto file, SnapshotFile::Open(source, record));
  // A snapshot whose tree has no root to read is of no use to anybody: say so now.
  VARVE_ASSIGN_OR_RETURN(const uint64_t data_bytes, file->DataBytes());
  std::shared_ptr<VolumeView> view = file;
  if (request.writable) {
    VARVE_ASSIGN_OR_RETURN(view, OpenWritable(request, engine, record, file));
  }
  return std::unique_ptr<ServedTree>(std::make_unique<VolumeTree>(view, record, data_bytes));
}

// What was written before a clean end is there the next time, synced or not.
Status SyncVolume(ServedTree& tree) {
  VARVE_ASSIGN_OR_RETURN(const std::vector<ServedNode> files, tree.List(kRootInode));
  for (const ServedNode& file : files) {
    VARVE_ASSIGN_OR_RETURN(const std::shared_ptr<VolumeView> view, tree.Open(file.inode));
    VARVE_RETURN_IF_ERROR(view->Sync());
  }
  return {};
}

// In the process that stays, until the mount ends.
Result<ExitCode> Serve(Invocation& invocation, const MountRequest& request,
                       const std::function<void()>& on_ready) {
  VARVE_ASSIGN_OR_RETURN(const FileDescriptor stop, StopSignals());
  VARVE_ASSIGN_OR_RETURN(const MountLog log, OpenLog(invocation, request));
  const auto note = [&log](const std::string& line) { log.Write(line); };
  VARVE_ASSIGN_OR_RETURN(const KeySource key, KeySourceOf(invocation.arguments));
  SnapshotSource source(
      [&] { return Engine::Open(request.repository, OpenMode::kRead, "mount", note, {key}); },
      request.cache_bytes);
  const Result<std::shared_ptr<Engine>> engine = source.engine();
  if (!engine.ok()) {
    const ExitCode code = ExitCodeOfOpening(engine.status());
    invocation.console.Fail(engine.status(), static_cast<int>(code));
    return code;
  }
  VARVE_ASSIGN_OR_RETURN(const std::unique_ptr<ServedTree> tree,
                         OpenTree(request, source, **engine));
  MountSettings settings;
  settings.mountpoint = request.mountpoint;
  settings.source = "varve:" + request.repository;
  settings.allow_other = request.allow_other;
  settings.writable = request.writable;
  settings.stop_fd = stop.get();
  VARVE_RETURN_IF_ERROR(ServeMount(settings, *tree, note, on_ready));
  if (request.writable) VARVE_RETURN_IF_ERROR(SyncVolume(*tree));
  return ExitCode::kOk;
}

Result<ExitCode> Run(Invocation& invocation) {
  VARVE_ASSIGN_OR_RETURN(const MountRequest request, ParseRequest(invocation));
  VARVE_ASSIGN_OR_RETURN(const bool removed, PrepareMountpoint(request.mountpoint));
  if (removed) {
    invocation.console.Note("took away what a killed mount left at " + request.mountpoint);
  }
  if (request.foreground) {
    return Serve(invocation, request, [&] {
      SayMounted(invocation, request, getpid());
      [[maybe_unused]] const Status flushed = invocation.console.Flush();
    });
  }
  VARVE_ASSIGN_OR_RETURN(BackgroundProcess process, BackgroundProcess::Fork());
  if (!process.is_parent()) return Serve(invocation, request, [&] { process.Ready(); });
  if (process.exit_code() == 0) SayMounted(invocation, request, process.child());
  return static_cast<ExitCode>(process.exit_code());
}

}  // namespace

extern const Verb kMountVerb{
    .name = "mount",
    .purpose = "Show snapshots as files that read as the volumes were",
    .opening = Opening::kByVerb,
    .positionals = {{"SNAPSHOT"}, {"MOUNTPOINT", Count::kAtMostOne}},
    .options = {{"foreground", "", "stay in the foreground; end with Ctrl-C or SIGTERM"},
                {"allow-other", "", "let other users look, too"},
                {"writable", "", "one snapshot, to read and write; the snapshot itself stays"},
                {"overlay", "DIR", "keep there what is written; else it goes with the mount"},
                {"cache-size", "SIZE", "memory for decoded chunks (default 128M)"},
                {"log", "FILE", "say there what could not be read (default: syslog)"}},
    .details =
        "varve mount MOUNTPOINT shows the whole repository: VOLUME/TIME-ID.raw for each snapshot\n"
        "and VOLUME/latest.raw; new snapshots appear by themselves. varve mount SNAPSHOT\n"
        "MOUNTPOINT shows one, as volume.raw. Files are read-only; what cannot be read back as it\n"
        "was is an I/O error for just its range. The command returns when the mount answers.\n"
        "End it with varve umount MOUNTPOINT.\n"
        "With --writable the file can be written: attach it as a loop device, start a database on\n"
        "it. What was synced is in DIR whatever happens; mount the same snapshot with it again, "
        "or\n"
        "make it a snapshot of its own by varve commit-overlay DIR.\n"
        "SNAPSHOT is an id, a unique beginning of one, latest, or VOLUME@latest.\n",
    .run = Run};

}  // namespace varve::cli
