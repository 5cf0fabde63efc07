#include "agent/capture/undo_fact.h"

#include <nlohmann/json.hpp>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "agent/capture/addon_hooks.h"
#include "agent/capture/frozen_file_system.h"
#include "agent/capture/thin_snapshot.h"
#include "agent/process/command.h"
#include "agent/process/redaction.h"

namespace varve::agent {
namespace {

using nlohmann::json;

constexpr const char* kKindNames[] = {"remove-file", "thaw", "remove-thin-snapshot",
                                      "unmount",     "run",  "start"};

json ToJson(const UndoStep& step) {
  return {{"kind", kKindNames[static_cast<size_t>(step.kind)]},
          {"path", step.path},
          {"what", step.what},
          {"argv", step.argv},
          {"check", step.check},
          {"environment", step.environment},
          {"timeoutSeconds", step.timeout.count()}};
}

std::optional<UndoStep::Kind> KindOf(const std::string& name) {
  for (size_t number = 0; number < std::size(kKindNames); ++number) {
    if (name == kKindNames[number]) return static_cast<UndoStep::Kind>(number);
  }
  return std::nullopt;
}

struct StoredUndo {
  std::string subject_id;
  std::vector<UndoStep> steps;
};

UndoStep StepOf(const json& value, UndoStep::Kind kind) {
  UndoStep step;
  step.kind = kind;
  value.at("path").get_to(step.path);
  value.at("what").get_to(step.what);
  value.at("argv").get_to(step.argv);
  value.at("check").get_to(step.check);
  value.at("environment").get_to(step.environment);
  step.timeout = std::chrono::seconds(value.at("timeoutSeconds").get<int64_t>());
  return step;
}

Result<StoredUndo> Parse(const std::string& name, const std::string& text) {
  // The library says by exceptions what does not fit; they end here.
  try {
    const json value = json::parse(text);
    StoredUndo undo;
    value.at("subject").get_to(undo.subject_id);
    for (const json& step : value.at("steps")) {
      const auto kind = KindOf(step.at("kind").get<std::string>());
      if (!kind) return Corruption("fact " + name + ": unknown step " + step.dump());
      undo.steps.push_back(StepOf(step, *kind));
    }
    return undo;
  } catch (const json::exception& error) {
    return Corruption("fact " + name + " cannot be read: " + error.what());
  }
}

Status RemoveFile(const std::string& path) {
  if (unlink(path.c_str()) == 0 || errno == ENOENT) return {};
  return Status::FromErrno(errno, path);
}

Status UnmountNow(const std::string& path) {
  // EINVAL: nothing is mounted there.
  if (umount2(path.c_str(), 0) == 0 || errno == EINVAL || errno == ENOENT) return {};
  if (umount2(path.c_str(), MNT_DETACH) == 0) return {};
  return Status::FromErrno(errno, path + ": unmount");
}

CommandRequest RequestOf(const UndoStep& step, const std::vector<std::string>& argv) {
  CommandRequest request;
  request.argv = argv;
  request.environment = step.environment;
  request.timeout = step.timeout;
  return request;
}

Status RunStart(const UndoStep& step, const UndoLog& log) {
  if (!step.path.empty() && IsMountpoint(step.path)) return {};
  const auto line = [&](const std::string& text) {
    log("info", step.what + ": " + Redacted(text));
  };
  const Status started = RunHook(step.what, RequestOf(step, step.argv), line);
  if (started.ok() || step.check.empty()) return started;
  // A start hook may refuse because the database never stopped.
  const Result<CommandResult> health = RunCommand(RequestOf(step, step.check));
  return health.ok() && health->exit_code == 0 ? Status() : started;
}

Status RunStep(const UndoStep& step, const UndoLog& log) {
  switch (step.kind) {
    case UndoStep::Kind::kRemoveFile:
      return RemoveFile(step.path);
    case UndoStep::Kind::kThaw:
      return ThawIfFrozen(step.path);
    case UndoStep::Kind::kRemoveThinSnapshot: {
      const size_t slash = step.path.find('/');
      if (slash == std::string::npos) return InvalidArgument("no logical volume: " + step.path);
      return RemoveThinSnapshot({step.path.substr(0, slash), step.path.substr(slash + 1)});
    }
    case UndoStep::Kind::kUnmount:
      return UnmountNow(step.path);
    case UndoStep::Kind::kRun: {
      const Status status =
          RunHook(step.what, RequestOf(step, step.argv),
                  [&](const std::string& text) { log("info", step.what + ": " + Redacted(text)); });
      // What it undoes may have ended with the one who asked for it, such as a lock.
      if (!status.ok()) log("warning", Redacted(status.message()));
      return {};
    }
    case UndoStep::Kind::kStart:
      return RunStart(step, log);
  }
  VARVE_CHECK(false);
}

}  // namespace

UndoFact::UndoFact(StateStore& state, std::string kind, std::string name, std::string subject_id)
    : state_(state),
      kind_(std::move(kind)),
      name_(std::move(name)),
      subject_id_(std::move(subject_id)) {}

Status UndoFact::Set(const std::vector<UndoStep>& steps) {
  json list = json::array();
  for (const UndoStep& step : steps)
    list.push_back(ToJson(step));
  const json value = {{"subject", subject_id_}, {"steps", list}};
  // Names of files may be no UTF-8; hooks and paths of ours are.
  return state_.PutFact(kind_, name_, value.dump(-1, ' ', false, json::error_handler_t::replace));
}

Status UndoFact::Clear() {
  return state_.DeleteFact(kind_, name_);
}

Status UndoFact::RecoverAll(StateStore& state, const Clock& clock, const std::string& kind) {
  VARVE_ASSIGN_OR_RETURN(const auto facts, state.ListFacts(kind));
  Status first;
  for (const auto& [name, text] : facts) {
    const Result<StoredUndo> undo = Parse(kind + "/" + name, text);
    Status status = undo.ok() ? Status() : undo.status();
    if (undo.ok()) {
      Status logged;
      const UndoLog log = [&](const std::string& level, const std::string& line) {
        const auto kept = state.AppendLog(undo->subject_id, clock.NowUnixNs(), level, line);
        if (!kept.ok() && logged.ok()) logged = kept.status();
      };
      log("info", "undoing what was under way when the agent ended");
      status = RunUndoSteps(undo->steps, log);
      if (status.ok()) status = state.DeleteFact(kind, name);
      if (status.ok()) status = logged;
    }
    if (first.ok()) first = status;
  }
  return first;
}

Status RunUndoSteps(const std::vector<UndoStep>& steps, const UndoLog& log) {
  Status first;
  for (const UndoStep& step : steps) {
    const Status status = RunStep(step, log);
    if (!status.ok()) log("error", Redacted(status.message()));
    if (first.ok()) first = status;
  }
  return first;
}

}  // namespace varve::agent
