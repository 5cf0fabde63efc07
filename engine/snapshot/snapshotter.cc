#include "snapshot/snapshotter.h"

#include <algorithm>

#include "base/limits.h"
#include "snapshot/volume_scan.h"

namespace varve {
namespace {

constexpr uint64_t kAuditEvery = 10;
// FORMAT.md §4: of the reason why a snapshot went another way than usual.
constexpr size_t kReasonBytesMax = 4096;

Status CheckName(const std::string& what, const std::string& text, size_t size_max) {
  if (text.empty() || text.size() > size_max) {
    return InvalidArgument(what + " must have 1 to " + std::to_string(size_max) + " bytes, not " +
                           std::to_string(text.size()));
  }
  const bool printable = std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (!printable) return InvalidArgument(what + " holds control characters");
  return {};
}

Status CheckOptions(const SnapshotOptions& options) {
  VARVE_RETURN_IF_ERROR(CheckName("volume name", options.volume_name, kNameBytesMax));
  if (options.volume_name.find('@') != std::string::npos ||
      options.volume_name.find('/') != std::string::npos) {
    return InvalidArgument("volume name '" + options.volume_name + "' holds '@' or '/'");
  }
  if (options.tags.size() > kTagsMax) {
    return InvalidArgument(std::to_string(options.tags.size()) + " tags, at most " +
                           std::to_string(kTagsMax));
  }
  for (const auto& [key, value] : options.tags) {
    VARVE_RETURN_IF_ERROR(CheckName("tag", key + "=" + value, kTagBytesMax));
    if (key.empty() || key.find('=') != std::string::npos) {
      return InvalidArgument("tag '" + key + "=" + value + "' has no key");
    }
  }
  if (std::max(options.chunk_pack_bytes, options.node_pack_bytes) > kPackSizeMax) {
    return InvalidArgument("packs of more than " + std::to_string(kPackSizeMax) + " bytes");
  }
  if (options.compression_level < kCompressionLevelMin ||
      options.compression_level > kCompressionLevelMax || options.compression_level == 0) {
    return InvalidArgument("compression level " + std::to_string(options.compression_level) +
                           " is not from -5 to 19");
  }
  return {};
}

struct Parent {
  std::optional<SnapshotRecord> record;
  uint64_t earlier_snapshots = 0;  // of this volume
};

// The snapshot that was asked for, or the volume's latest, if its chunk size is the repository's.
Result<Parent> FindParent(Repository& repository, const SnapshotOptions& options) {
  std::vector<DamagedRecord> damaged;
  VARVE_ASSIGN_OR_RETURN(std::vector<SnapshotRecord> records, repository.Snapshots(&damaged));
  for (const DamagedRecord& record : damaged) {
    repository.Notice(record.path +
                      " is damaged and cannot be a parent: " + record.status.message());
  }
  Parent parent;
  for (SnapshotRecord& record : records) {
    const bool same_volume = record.volume_name == options.volume_name;
    if (same_volume) ++parent.earlier_snapshots;
    if (options.parent ? record.id != *options.parent : !same_volume) continue;
    if (record.chunk_size_bytes == repository.config().chunk_size_bytes) {
      parent.record = std::move(record);
    }
  }
  if (options.parent && !parent.record) {
    return NotFound("snapshot " + options.parent->Hex() +
                    " cannot be the parent: it is not there, or has another chunk size");
  }
  return parent;
}

// The session pins the parent. One that is deleted at this very moment is passed over.
Result<std::unique_ptr<Session>> BeginWithParent(Repository& repository,
                                                 const SnapshotOptions& options, Parent* parent) {
  for (;;) {
    VARVE_ASSIGN_OR_RETURN(*parent, FindParent(repository, options));
    std::vector<SnapshotId> pins;
    if (parent->record) pins.push_back(parent->record->id);
    auto session =
        repository.BeginSession("snapshot of " + options.volume_name, SessionRole::kWriter, pins);
    if (session.status().code() != Code::kNotFound || pins.empty()) return session;
    // A repository that is gone altogether ends the search: FindParent fails.
  }
}

Status CheckStable(const Volume& volume, const ContentStamp& before, Consistency consistency) {
  VARVE_ASSIGN_OR_RETURN(const ContentStamp after, volume.Stamp());
  // The size that is recorded is the one from when it was opened.
  if (after.size_bytes != volume.size_bytes()) {
    return InvalidArgument("volume " + volume.identity() + " changed its size from " +
                           std::to_string(volume.size_bytes()) + " to " +
                           std::to_string(after.size_bytes) + " bytes while it was read");
  }
  if (consistency != Consistency::kFuzzy && after != before) {
    return InvalidArgument("volume " + volume.identity() +
                           " was written while it was read; freeze it, or ask for a fuzzy "
                           "snapshot");
  }
  return {};
}

Status CheckQuiet(const Volume& volume, Consistency consistency) {
  // A frozen file system stays mounted read-write: the caller who says "filesystem" or
  // "application" vouches for the freeze.
  if (consistency != Consistency::kCrash) return {};
  const std::optional<std::string> use = volume.MountedForWriting();
  if (!use) return {};
  return Busy("volume " + volume.identity() + " " + *use +
              "; unmount it, freeze it (--consistency filesystem), or ask for a fuzzy snapshot "
              "(--consistency fuzzy)");
}

// A copy is the same snapshot: what its record tells of how it came to be stays.
void KeepStory(const SnapshotRecord& copied, SnapshotRecord* record) {
  record->id = copied.id;
  record->volume_identity = copied.volume_identity;
  record->start_unix_ns = copied.start_unix_ns;
  record->end_unix_ns = copied.end_unix_ns;
  record->consistency = copied.consistency;
  record->capture = copied.capture;
  record->change_source = copied.change_source;
  record->fallback_reason = copied.fallback_reason;
  record->tags = copied.tags;
  record->origin = copied.origin;
}

// Why the snapshot could not rely on its parent as it usually does; nothing if it could.
std::optional<std::string> DamageStory(const Scan& scan) {
  std::string story;
  if (!scan.parent_damage.ok()) {
    story += "part of the parent's tree cannot be read (" + scan.parent_damage.message() + "); ";
  }
  if (scan.bases_unreadable > 0) {
    story += std::to_string(scan.bases_unreadable) + " chunks that deltas need cannot be read; ";
  }
  if (scan.frames_lost > 0) {
    story += std::to_string(scan.frames_lost) + " unchanged chunks were lost; ";
  }
  if (story.empty()) return std::nullopt;
  return "damage in the repository: " + story + "what is lost was stored again";
}

// Why the change source that was asked for is not used, if there is a reason.
std::optional<std::string> RefuseChanges(const SnapshotOptions& options, const ScanPlan& plan,
                                         const Parent& parent, const TreeGeometry& geometry) {
  if (!options.changes) {
    if (options.changes_refused.empty()) return std::nullopt;
    return options.changes_refused;
  }
  if (options.audit) return "an audit reads the whole volume";
  if (const auto refused =
          RefuseClaim(*options.changes, parent.record, options.volume_name, geometry)) {
    return refused;
  }
  if (plan.foreign_parent) return "the parent's chunks count for the volume's quota";
  if (plan.prove) return "it is not known whether all that the parent has is still there";
  return std::nullopt;
}

// The pass that reads only what the change source names, if it can be believed. No scan, and why in
// `refused`, if it cannot.
Result<std::optional<Scan>> ScanChanges(Repository& repository, Index& index, const Volume& volume,
                                        const SnapshotOptions& options, const Parent& parent,
                                        ScanPlan plan, SnapshotReport* report, Progress& progress,
                                        std::optional<Scan>* failed) {
  SnapshotRecord& record = report->record;
  const TreeGeometry geometry(volume.size_bytes(), repository.config().chunk_size_bytes);
  record.fallback_reason = RefuseChanges(options, plan, parent, geometry);
  if (options.changes && !record.fallback_reason) {
    const CandidateChunks candidates =
        PlanCandidates(*options.changes, geometry, repository.random());
    plan.candidates = &candidates;
    VARVE_ASSIGN_OR_RETURN(Scan scan,
                           ScanVolume(repository, index, volume, options, plan, progress));
    if (scan.sample_misses == 0 && !scan.met_damage()) {
      record.change_source = options.changes->source;
      report->chunks_sampled = candidates.sampled.size();
      return std::optional<Scan>(std::move(scan));
    }
    record.fallback_reason = scan.sample_misses > 0
                                 ? "it called chunks unchanged that have changed; do not use it "
                                   "again before it is mended"
                                 : "the parent is damaged";
    *failed = std::move(scan);
  }
  if (!record.fallback_reason) return std::optional<Scan>();
  record.fallback_reason = record.fallback_reason->substr(0, kReasonBytesMax);
  repository.Notice("the " + (options.changes ? options.changes->source : "change source") +
                    " is not used, the whole volume is scanned: " + *record.fallback_reason);
  return std::optional<Scan>();
}

// All passes that it takes. What of the record tells how they went is filled in.
Result<Scan> ScanAsOftenAsNeeded(Repository& repository, Index& index, const Volume& volume,
                                 const SnapshotOptions& options, const Parent& parent,
                                 ScanPlan plan, SnapshotReport* report, Progress& progress) {
  const auto scan_volume = [&] {
    return ScanVolume(repository, index, volume, options, plan, progress);
  };
  std::optional<Scan> failed;
  VARVE_ASSIGN_OR_RETURN(
      std::optional<Scan> scanned,
      ScanChanges(repository, index, volume, options, parent, plan, report, progress, &failed));
  if (!scanned) {
    VARVE_ASSIGN_OR_RETURN(scanned, scan_volume());
    if (failed) AddFirstPass(*failed, &*scanned);
  }
  if (plan.prove || !scanned->met_damage()) return *std::move(scanned);
  // The parent's chunks were adopted unseen, and some of them may be gone with what was met.
  repository.Notice("damage in the repository: the volume is read again, trusting nothing");
  VARVE_RETURN_IF_ERROR(index.Distrust({}));
  plan.prove = true;
  VARVE_ASSIGN_OR_RETURN(Scan second, scan_volume());
  AddFirstPass(*scanned, &second);
  return second;
}

Result<ScanPlan> PlanScan(Index& index, const SnapshotOptions& options, const Parent& parent,
                          SnapshotAccount* account) {
  ScanPlan plan;
  plan.audit = options.audit || parent.earlier_snapshots % kAuditEvery == kAuditEvery - 1;
  plan.account = account;
  if (!parent.record) return plan;
  plan.parent = &*parent.record;
  VARVE_ASSIGN_OR_RETURN(const bool proved, index.IsProved(parent.record->id));
  plan.foreign_parent = account->has_quota() && parent.record->volume_name != options.volume_name;
  plan.prove = !proved || plan.foreign_parent;
  return plan;
}

void FillRecord(Repository& repository, const Volume& volume, const SnapshotOptions& options,
                const Parent& parent, const Session& session, const Scan& scan,
                SnapshotRecord* record) {
  const TreeGeometry geometry(volume.size_bytes(), repository.config().chunk_size_bytes);
  record->id = repository.random().NewId<SnapshotId>();
  record->volume_name = options.volume_name;
  record->volume_identity = volume.identity();
  record->size_bytes = geometry.size_bytes();
  record->chunk_size_bytes = geometry.chunk_size();
  record->root = scan.root.id;
  if (parent.record) record->parent = parent.record->id;
  record->start_unix_ns = session.record().start_unix_ns;
  record->end_unix_ns = repository.clock().NowUnixNs();
  record->consistency = options.consistency;
  record->tags = options.tags;
  record->statistics = StatisticsOf(scan, geometry);
  if (const std::optional<std::string> story = DamageStory(scan)) {
    repository.Notice(*story);
    const std::string before = record->fallback_reason ? *record->fallback_reason + "; " : "";
    record->fallback_reason = (before + *story).substr(0, kReasonBytesMax);
  }
  if (options.copied) KeepStory(*options.copied, record);
}

// Everything from the session's record to the commit. `quota` may be null.
Result<SnapshotReport> TakeInSession(Repository& repository, const Volume& volume,
                                     const SnapshotOptions& options, const Parent& parent,
                                     QuotaMeter* quota, Session& session, Progress& progress) {
  VARVE_ASSIGN_OR_RETURN(Index * index, repository.index());
  VARVE_ASSIGN_OR_RETURN(const ContentStamp stamp, volume.Stamp());
  VARVE_RETURN_IF_ERROR(CheckQuiet(volume, options.consistency));
  SnapshotAccount account(quota);
  VARVE_ASSIGN_OR_RETURN(const ScanPlan plan, PlanScan(*index, options, parent, &account));
  SnapshotReport report;
  report.audited = plan.audit;
  VARVE_ASSIGN_OR_RETURN(const Scan scan, ScanAsOftenAsNeeded(repository, *index, volume, options,
                                                              parent, plan, &report, progress));
  VARVE_RETURN_IF_ERROR(CheckStable(volume, stamp, options.consistency));
  report.reader = scan.reader;
  report.audit_misses = scan.audit_misses;
  report.bases_unreadable = scan.bases_unreadable;
  report.frames_lost = scan.frames_lost;
  FillRecord(repository, volume, options, parent, session, scan, &report.record);
  report.record.statistics.bytes_reused = account.bytes_reused();
  VARVE_RETURN_IF_ERROR(repository.Commit(session, account.ReusedPacks(), &report.record));
  // Without the proof the next snapshot only takes longer.
  if (scan.trusted_all) {
    const Status marked = index->MarkProved(report.record.id);
    if (!marked.ok()) repository.Notice("the index took no proof: " + marked.message());
  }
  return report;
}

// Did it fail for nothing but the index? That is a cache, damaged on its disk: it is made anew.
Result<bool> HealIndex(Repository& repository, const Status& failure) {
  if (failure.code() != Code::kCorruption && failure.code() != Code::kIo) return false;
  VARVE_ASSIGN_OR_RETURN(const std::vector<std::string> damage, repository.local().VerifyIndex());
  if (damage.empty()) return false;
  repository.Notice("the index is damaged and is rebuilt: " + damage[0]);
  VARVE_RETURN_IF_ERROR(repository.RebuildIndex());
  return true;
}

}  // namespace

Result<SnapshotReport> TakeSnapshot(Repository& repository, const Volume& volume,
                                    const SnapshotOptions& options, Progress& progress) {
  VARVE_RETURN_IF_ERROR(CheckOptions(options));
  progress.bytes_total = volume.size_bytes();
  VARVE_ASSIGN_OR_RETURN(std::unique_ptr<QuotaMeter> quota,
                         QuotaMeter::Begin(repository, options.volume_name));
  Parent parent;
  VARVE_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                         BeginWithParent(repository, options, &parent));
  Result<SnapshotReport> report =
      TakeInSession(repository, volume, options, parent, quota.get(), *session, progress);
  if (!report.ok()) {
    const Result<bool> healed = HealIndex(repository, report.status());
    if (healed.ok() && *healed) {
      VARVE_ASSIGN_OR_RETURN(quota, QuotaMeter::Begin(repository, options.volume_name));
      report = TakeInSession(repository, volume, options, parent, quota.get(), *session, progress);
    }
  }
  // A session that cannot be ended is removed by the next writer; the snapshot stands or not
  // regardless.
  const Status ended = session->End();
  if (!ended.ok()) repository.Notice("the session's record stays: " + ended.message());
  return report;
}

}  // namespace varve
