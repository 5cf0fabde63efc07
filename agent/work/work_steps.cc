#include "agent/work/work_steps.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "io/file_descriptor.h"

namespace varve::agent {
namespace {

constexpr int kBusyPauseMs = 500;

template <typename Record>
Result<Record> Existing(Result<std::optional<Record>> found, const std::string& what) {
  if (!found.ok()) return found.status();
  if (!found->has_value()) return NotFound("no " + what);
  return **found;
}

// The directory of a relative path, below `root` whatever its parts are.
Result<std::string> DirectoryBelow(const std::string& root, const std::string& relative) {
  const FileDescriptor below(open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!below.valid()) return Status::FromErrno(errno, "volumesDirectory " + root);
  open_how how{};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const std::string path = relative.empty() ? "." : relative;
  const FileDescriptor directory(
      static_cast<int>(syscall(SYS_openat2, below.get(), path.c_str(), &how, sizeof(how))));
  if (!directory.valid()) {
    if (errno == EXDEV || errno == ELOOP) {
      return Status(Code::kDenied, "volume path " + relative + " leads out of " + root);
    }
    return Status::FromErrno(errno, root + "/" + relative);
  }
  return (std::filesystem::path(root) / relative).lexically_normal().string();
}

}  // namespace

Result<Addon> GetAddon(StateStore& state, const std::string& id) {
  return Existing(state.FindAddon(id), "addon " + id);
}

Result<Backup> GetBackup(StateStore& state, const std::string& id) {
  return Existing(state.FindBackup(id), "backup " + id);
}

Result<RestoreRecord> GetRestore(StateStore& state, const std::string& id) {
  return Existing(state.FindRestore(id), "restore " + id);
}

Result<const RepositorySettings*> GetRepository(const AgentConfig& config, const std::string& id) {
  for (const RepositorySettings& repository : config.repositories) {
    if (repository.id == id) return &repository;
  }
  return NotFound("no repository " + id + " in the configuration");
}

Status ChangeBackup(StateStore& state, const std::string& id,
                    const std::function<void(Backup&)>& change) {
  return state.Atomically([&]() -> Status {
    VARVE_ASSIGN_OR_RETURN(Backup backup, GetBackup(state, id));
    change(backup);
    return state.UpdateBackup(backup);
  });
}

Status ChangeRestore(StateStore& state, const std::string& id,
                     const std::function<void(RestoreRecord&)>& change) {
  return state.Atomically([&]() -> Status {
    VARVE_ASSIGN_OR_RETURN(RestoreRecord restore, GetRestore(state, id));
    change(restore);
    return state.UpdateRestore(restore);
  });
}

Result<Addon> WithVolumePath(const AgentConfig& config, Addon addon) {
  const std::filesystem::path path(addon.volume.path);
  if (path.filename().empty() || path.filename() == "." || path.filename() == ".." ||
      addon.volume.path.find('\0') != std::string::npos) {
    return InvalidArgument("volume path '" + addon.volume.path + "' names no file");
  }
  if (path.is_absolute()) return addon;
  VARVE_ASSIGN_OR_RETURN(const std::string directory,
                         DirectoryBelow(config.volumes_directory, path.parent_path().string()));
  addon.volume.path = (std::filesystem::path(directory) / path.filename()).string();
  return addon;
}

KeyOptions KeyOptionsOf(const RepositorySettings& repository) {
  KeyOptions key;
  key.source = repository.password_file.empty()
                   ? KeySource::None()
                   : KeySource::PassphraseFile(repository.password_file);
  return key;
}

Result<std::unique_ptr<Engine>> OpenRepository(const WorkPlant& plant, const std::string& id,
                                               OpenMode mode, const std::string& purpose,
                                               JobContext& context) {
  VARVE_ASSIGN_OR_RETURN(const RepositorySettings* const repository,
                         GetRepository(plant.config, id));
  const auto notice = [&context](const std::string& line) { context.Log("info", line); };
  bool told = false;
  while (true) {
    auto engine = Engine::Open(repository->path, mode, purpose, notice, KeyOptionsOf(*repository));
    if (engine.ok() || engine.status().code() != Code::kBusy) return engine;
    if (!told)
      context.Log("info", "waiting for repository " + id + ": " + engine.status().message());
    told = true;
    VARVE_RETURN_IF_ERROR(CheckNotAborted(context));
    poll(nullptr, 0, kBusyPauseMs);
  }
}

Result<std::unique_ptr<Engine>> OpenRepositoryNow(const AgentConfig& config, const std::string& id,
                                                  OpenMode mode, const std::string& purpose) {
  VARVE_ASSIGN_OR_RETURN(const RepositorySettings* const repository, GetRepository(config, id));
  return Engine::Open(
      repository->path, mode, purpose, [](const std::string&) {}, KeyOptionsOf(*repository));
}

AddonHooks HooksIn(const WorkPlant& plant, const Addon& addon, JobContext& context) {
  return AddonHooks(
      addon, HooksOf(plant.config, addon),
      [&context](const std::string& level, const std::string& text) { context.Log(level, text); });
}

Status CheckNotAborted(JobContext& context) {
  return context.progress().cancelled ? Cancelled("aborted") : Status();
}

}  // namespace varve::agent
