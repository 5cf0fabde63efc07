#include "agent/work/maintenance_jobs.h"

namespace varve::agent {
namespace {

std::string Figures(const GcReport& report) {
  return std::to_string(report.snapshots_removed) + " snapshots removed, " +
         std::to_string(report.packs_unlinked) + " packs of " +
         std::to_string(report.bytes_unlinked) + " bytes unlinked, " +
         std::to_string(report.packs_condemned) + " of " + std::to_string(report.bytes_condemned) +
         " condemned, " + std::to_string(report.packs_written) + " written anew";
}

// Deletes the snapshot if it is there.
Status ForgetSnapshot(Engine& engine, const std::string& snapshot_id, JobContext& context) {
  const Result<SnapshotRecord> record = engine.Find(snapshot_id);
  if (record.status().code() == Code::kNotFound) {
    context.Log("info", "its snapshot is gone already");
    return {};
  }
  VARVE_RETURN_IF_ERROR(record.status());
  VARVE_ASSIGN_OR_RETURN(const auto plan, engine.PlanForget({.selectors = {snapshot_id}}));
  return engine.Forget(plan);
}

}  // namespace

Status DeleteJob::Run(JobContext& context) {
  StateStore& state = context.state();
  VARVE_ASSIGN_OR_RETURN(const std::optional<Backup> backup,
                         state.FindBackup(context.job().subject_id));
  if (!backup) return {};
  if (backup->hold) return Busy("backup " + backup->id + " is held: " + backup->hold->name);
  context.EnterPhase("delete");
  if (!backup->snapshot_id.empty()) {
    VARVE_ASSIGN_OR_RETURN(const auto engine,
                           OpenRepository(plant_, backup->repository, OpenMode::kMaintain,
                                          "delete of " + backup->id, context));
    VARVE_RETURN_IF_ERROR(CheckNotAborted(context));
    VARVE_RETURN_IF_ERROR(ForgetSnapshot(*engine, backup->snapshot_id, context));
  }
  context.Log("info", "deleted; its space comes back at the next garbage collection");
  return state.DeleteBackup(backup->id);
}

Status DeleteJob::Recover(JobContext& context) {
  return Run(context);
}

Status GcJob::Run(JobContext& context) {
  context.EnterPhase("plan");
  VARVE_ASSIGN_OR_RETURN(const auto engine,
                         OpenRepository(plant_, context.job().repository, OpenMode::kMaintain,
                                        "garbage collection", context));
  VARVE_ASSIGN_OR_RETURN(const auto collection,
                         Collection::Begin(engine->repository(), GcOptions(), context.progress()));
  VARVE_RETURN_IF_ERROR(collection->Plan().status());
  context.EnterPhase("collect");
  VARVE_ASSIGN_OR_RETURN(const GcReport report, collection->Execute());
  context.Log("info", Figures(report));
  return {};
}

Status GcJob::Recover(JobContext& context) {
  context.Log("error", "the agent ended meanwhile; the next run goes on with what it finds");
  return {};
}

Status ScrubJob::Run(JobContext& context) {
  context.EnterPhase("scrub");
  VARVE_ASSIGN_OR_RETURN(const auto engine, OpenRepository(plant_, context.job().subject_id,
                                                           OpenMode::kRead, "scrub", context));
  VARVE_ASSIGN_OR_RETURN(const ScrubReport report,
                         engine->Scrub(ScrubOptions(), context.progress()));
  for (const ScrubFinding& finding : report.findings) {
    context.Log("error",
                finding.object + " at " + std::to_string(finding.offset) + ": " + finding.what);
  }
  context.Log("info", std::to_string(report.packs_verified) + " packs, " +
                          std::to_string(report.bytes_verified) + " bytes looked at");
  if (report.clean()) return {};
  return Corruption("repository " + context.job().subject_id + ": " +
                    std::to_string(report.findings.size()) + " damaged places, " +
                    std::to_string(report.hurt.size()) + " snapshots hurt");
}

Status ScrubJob::Recover(JobContext& context) {
  context.Log("error", "the agent ended meanwhile; the next run goes on with what it finds");
  return {};
}

}  // namespace varve::agent
