#include "heal/repairer.h"

#include <algorithm>

#include "base/limits.h"
#include "heal/heal_writer.h"
#include "heal/leaving_packs.h"
#include "heal/record_healer.h"
#include "heal/repair_survey.h"
#include "heal/tree_healer.h"
#include "repo/quarantine.h"
#include "store/memory_index.h"

namespace varve {
namespace {

// Frames of a damaged pack that are read together.
constexpr size_t kBatchFrames = 64;

std::map<PackId, std::set<uint64_t>> WholeFrames(const RepairSurvey& survey) {
  std::map<PackId, std::set<uint64_t>> whole;
  for (const DamagedPack& pack : survey.packs) {
    std::set<uint64_t>& offsets = whole[pack.pack];
    for (const PlacedFrame& frame : pack.good)
      offsets.insert(frame.offset);
  }
  return whole;
}

// Mounts and restores at work have open views of the packs; a GC counts them. Both are asked to end
// first. New ones that begin meanwhile see what is there when they do.
Result<std::unique_ptr<HeldLock>> TakeForOneself(Repository& repository,
                                                 const RepairSurvey& survey) {
  VARVE_ASSIGN_OR_RETURN(std::unique_ptr<HeldLock> lock,
                         repository.local().TryLock(kGcLock, LockLife::kLasting));
  if (lock == nullptr) return Busy(repository.name() + ": a GC is at work; repair when it is done");
  VARVE_RETURN_IF_ERROR(repository.RemoveDeadSessions());
  if (!survey.bad_sessions.empty()) return lock;
  VARVE_ASSIGN_OR_RETURN(const std::vector<SessionRecord> sessions, repository.Sessions());
  for (const SessionRecord& session : sessions) {
    return Busy(repository.name() + " is in use: " + session.purpose + " by process " +
                std::to_string(session.process_id) + " on " + session.host +
                "; repair when it is done");
  }
  return lock;
}

class Repair {
 public:
  Repair(Repository& repository, std::vector<HealSource*> sources, const RepairOptions& options,
         RepairSurvey survey, Index& index, Progress& progress)
      : repository_(repository),
        storage_(repository.storage()),
        sources_(std::move(sources)),
        options_(options),
        survey_(std::move(survey)),
        progress_(progress),
        overlay_(index),
        view_(overlay_, WholeFrames(survey_)),
        writer_(repository, view_, "repair") {}

  Status Run() {
    report_.findings = survey_.findings;
    VARVE_RETURN_IF_ERROR(
        ApplyDamage(storage_, repository_.config().id, survey_.damaged_frames, overlay_));
    VARVE_RETURN_IF_ERROR(FinishInterrupted());
    VARVE_RETURN_IF_ERROR(QuarantineSessions());
    TreeHealer healer(repository_, view_, sources_,
                      [&](ContentKind kind, const ContentId& id, ByteSpan raw) {
                        ++report_.frames_healed;
                        return options_.execute ? writer_.Add(kind, id, raw, nullptr) : Status();
                      });
    VARVE_RETURN_IF_ERROR(HealRecords(healer));
    VARVE_RETURN_IF_ERROR(HealQuotas(healer));
    VARVE_RETURN_IF_ERROR(MoveGoodFrames());
    VARVE_RETURN_IF_ERROR(HealTrees(healer));
    VARVE_RETURN_IF_ERROR(writer_.Finish());
    report_.bytes_written = writer_.totals().bytes;
    // Beyond this point everything that can be had is durable in new packs.
    VARVE_RETURN_IF_ERROR(ReplaceRecords());
    VARVE_RETURN_IF_ERROR(ReplaceConfigs());
    // Beyond this point nothing needs the damaged objects.
    VARVE_RETURN_IF_ERROR(QuarantineAll());
    return RenewIndex();
  }

  RepairReport TakeReport() { return std::move(report_); }

 private:
  void Act(const std::string& what) { report_.actions.push_back(what); }

  Status FinishInterrupted() {
    if (survey_.waiting_replacements.empty()) return {};
    for (const std::string& path : survey_.waiting_replacements) {
      Act(path + ": takes its place, as an interrupted repair meant it to");
    }
    if (!options_.execute) return {};
    VARVE_RETURN_IF_ERROR(FinishReplacements(storage_).status());
    survey_.bad_configs.clear();  // looked at anew, with what has come back
    survey_.bad_records.clear();
    std::vector<DamagedRecord> damaged;
    VARVE_ASSIGN_OR_RETURN(survey_.records, repository_.Snapshots(&damaged));
    survey_.bad_records = std::move(damaged);
    for (const char* path : {kConfigPath, kConfigCopyPath}) {
      const Result<Bytes> object = storage_.ReadSmall(path, kSmallObjectMax);
      if (!object.ok() || !DecodeConfig(path, *object).ok()) survey_.bad_configs.push_back(path);
    }
    return {};
  }

  // First: a damaged session keeps every new one from beginning. Its writer, if it lives, finds it
  // gone and does not commit (G5).
  Status QuarantineSessions() {
    for (const std::string& path : survey_.bad_sessions) {
      Act(path + ": moves to quarantine");
      if (options_.execute) VARVE_RETURN_IF_ERROR(Quarantine(path, "damaged"));
    }
    return {};
  }

  Status HealRecords(TreeHealer& healer) {
    for (const DamagedRecord& bad : survey_.bad_records) {
      VARVE_ASSIGN_OR_RETURN(
          std::optional<HealedRecord> healed,
          HealRecord(repository_, bad.path, survey_.records, sources_, healer, progress_));
      if (!healed) {
        report_.lost_objects.push_back(bad.path + ": no source has a good copy of it");
        continue;
      }
      Act(bad.path + ": made anew from " + healed->source);
      records_.push_back(std::move(*healed));
    }
    return {};
  }

  // A table of which nothing is whole moves away, so that snapshots are taken again: nobody knows
  // whose quotas it held.
  Status HealQuotas(TreeHealer& healer) {
    for (const DamagedQuotaFile& bad : survey_.bad_quotas) {
      if (!bad.twin.empty()) {
        VARVE_ASSIGN_OR_RETURN(Bytes good, storage_.ReadSmall(bad.twin, kSmallObjectMax));
        Act(bad.path + ": made anew from " + bad.twin);
        records_.push_back({bad.path, std::move(good), bad.twin, {}});
        continue;
      }
      VARVE_ASSIGN_OR_RETURN(
          std::optional<HealedRecord> healed,
          HealRecord(repository_, bad.path, survey_.records, sources_, healer, progress_));
      if (healed) {
        Act(bad.path + ": made anew from " + healed->source);
        records_.push_back(std::move(*healed));
        continue;
      }
      if (bad.status.code() == Code::kNotFound) continue;
      report_.lost_objects.push_back(bad.path + ": no copy of it is whole; set the quotas anew");
      if (options_.execute) VARVE_RETURN_IF_ERROR(Quarantine(bad.path, bad.What()));
    }
    return {};
  }

  // Whole frames of damaged packs, as they are stored, unless another pack has their content too.
  Status MoveGoodFrames() {
    for (const DamagedPack& pack : survey_.packs) {
      uint64_t moved = 0;
      for (size_t begin = 0; begin < pack.good.size(); begin += kBatchFrames) {
        if (progress_.cancelled) return Cancelled("interrupted");
        const size_t count = std::min(kBatchFrames, pack.good.size() - begin);
        VARVE_ASSIGN_OR_RETURN(const uint64_t part,
                               MoveFrames(pack.pack, std::span(pack.good).subspan(begin, count)));
        moved += part;
      }
      report_.frames_moved += moved;
      Act("pack " + pack.pack.Hex() + ": moves to quarantine; " + std::to_string(moved) +
          " whole frames of it move to new packs");
    }
    return {};
  }

  Result<uint64_t> MoveFrames(const PackId& pack, std::span<const PlacedFrame> frames) {
    std::vector<ContentId> ids;
    for (const PlacedFrame& frame : frames)
      ids.push_back(frame.info.id);
    std::vector<std::optional<Place>> places;
    VARVE_RETURN_IF_ERROR(view_.FindMany(ids, &places));
    std::vector<FrameRequest> requests;
    for (size_t i = 0; i < frames.size(); ++i) {
      const bool elsewhere = places[i] && places[i]->usable &&
                             (places[i]->pack != pack || places[i]->offset != frames[i].offset);
      if (elsewhere) continue;
      FrameRequest request;
      request.id = frames[i].info.id;
      request.kind = frames[i].info.kind;
      request.at = Place{pack, frames[i].offset, frames[i].info};
      requests.push_back(request);
    }
    if (!options_.execute) return uint64_t{requests.size()};
    FrameReader reader(storage_, view_);
    VARVE_RETURN_IF_ERROR(reader.ReadMany(requests, ReadDepth::kStored));
    std::vector<FrameRequest> bound;  // to their pack, by its seal: they are encoded anew
    for (FrameRequest& request : requests) {
      if (request.stored.empty()) {
        VARVE_RETURN_IF_ERROR(request.base_failed ? Status() : request.status);
        bound.push_back(request);
      } else {
        VARVE_RETURN_IF_ERROR(writer_.AddStored(request.stored, request.at->frame));
      }
    }
    VARVE_RETURN_IF_ERROR(EncodeAnew(bound));
    return uint64_t{requests.size()};
  }

  Status EncodeAnew(std::vector<FrameRequest>& requests) {
    if (requests.empty()) return {};
    std::vector<Bytes> raw(requests.size());
    for (size_t i = 0; i < requests.size(); ++i) {
      raw[i].resize(requests[i].at->frame.raw_length);
      requests[i].into = raw[i];
    }
    FrameReader reader(storage_, view_);
    VARVE_RETURN_IF_ERROR(reader.ReadMany(requests));
    ContentHasher hasher(repository_.config().id_key);
    for (const FrameRequest& request : requests) {
      if (request.base_failed) continue;  // of no use to anybody, and it stays in quarantine
      VARVE_RETURN_IF_ERROR(request.status);
      const ByteSpan bytes = request.into.first(request.length);
      if (hasher.Compute(request.kind, bytes) != request.id) continue;
      VARVE_RETURN_IF_ERROR(writer_.Add(request.kind, request.id, bytes, nullptr));
    }
    return {};
  }

  Status HealTrees(TreeHealer& healer) {
    std::vector<SnapshotRecord> records = survey_.records;
    for (const HealedRecord& healed : records_) {
      if (healed.record) records.push_back(*healed.record);
    }
    std::sort(records.begin(), records.end(), [](const SnapshotRecord& a, const SnapshotRecord& b) {
      return std::tie(a.sequence, a.id) < std::tie(b.sequence, b.id);
    });
    for (const SnapshotRecord& record : records) {
      VARVE_ASSIGN_OR_RETURN(std::vector<HurtRange> lost, healer.Heal(record, progress_));
      if (!lost.empty()) report_.lost.push_back({record.id, record.volume_name, std::move(lost)});
    }
    report_.healed_by_source = healer.healed_by_source();
    for (const auto& [source, count] : report_.healed_by_source) {
      Act(std::to_string(count) + " chunks and nodes come back from " + source);
    }
    return {};
  }

  Status ReplaceRecords() {
    if (!options_.execute) return {};
    for (const HealedRecord& healed : records_) {
      VARVE_ASSIGN_OR_RETURN(const auto commit, repository_.LockCommit());
      VARVE_RETURN_IF_ERROR(ReplaceObject(storage_, healed.path, healed.object,
                                          "damaged; made anew from " + healed.source, Now()));
      ++report_.objects_quarantined;
    }
    return {};
  }

  Status ReplaceConfigs() {
    for (const std::string& path : survey_.bad_configs) {
      const char* other = path == kConfigPath ? kConfigCopyPath : kConfigPath;
      Act(path + ": made anew from " + other);
      if (!options_.execute) continue;
      VARVE_ASSIGN_OR_RETURN(const Bytes good, storage_.ReadSmall(other, kSmallObjectMax));
      VARVE_RETURN_IF_ERROR(DecodeConfig(other, good).status());
      VARVE_RETURN_IF_ERROR(ReplaceObject(storage_, path, good,
                                          std::string("damaged; made anew from ") + other, Now()));
      ++report_.objects_quarantined;
    }
    return {};
  }

  Status Quarantine(const std::string& path, const std::string& why) {
    const Result<std::string> moved = MoveToQuarantine(storage_, path, why, Now());
    if (moved.status().code() == Code::kNotFound) return {};  // gone by itself
    VARVE_RETURN_IF_ERROR(moved.status());
    ++report_.objects_quarantined;
    return {};
  }

  Status QuarantineAll() {
    for (const std::string& path : survey_.void_damage_records) {
      Act(path + ": says nothing any more and moves to quarantine");
    }
    if (!options_.execute) return {};
    for (const DamagedPack& pack : survey_.packs) {
      VARVE_RETURN_IF_ERROR(Quarantine(PackPath(pack.pack), pack.Why()));
    }
    // Damage records last: as long as a damaged pack is in its place, they stand.
    for (const std::string& path : survey_.standing_damage_records) {
      VARVE_RETURN_IF_ERROR(Quarantine(path, "its pack was repaired"));
    }
    for (const std::string& path : survey_.void_damage_records) {
      VARVE_RETURN_IF_ERROR(Quarantine(path, "its pack is gone or whole"));
    }
    return {};
  }

  Status RenewIndex() {
    const bool stale = survey_.bad_index || !survey_.packs.empty() || writer_.used() ||
                       !survey_.void_damage_records.empty();
    if (!stale) return {};
    Act("the index is made anew");
    return options_.execute ? repository_.RebuildIndex() : Status();
  }

  int64_t Now() const { return repository_.clock().NowUnixNs(); }

  Repository& repository_;
  Storage& storage_;
  const std::vector<HealSource*> sources_;
  const RepairOptions& options_;
  RepairSurvey survey_;
  Progress& progress_;
  MemoryIndex overlay_;  // what the repository's index does not know yet
  LeavingPacks view_;
  HealWriter writer_;
  std::vector<HealedRecord> records_;
  RepairReport report_;
};

}  // namespace

Result<RepairReport> RepairRepository(Repository& repository, std::vector<HealSource*> sources,
                                      const RepairOptions& options, Progress& progress) {
  VARVE_ASSIGN_OR_RETURN(RepairSurvey survey,
                         SurveyDamage(repository, options.only_known, options.prove_ids, progress));
  // What readers at work know of places must not leave, and no GC may count on what does.
  std::unique_ptr<HeldLock> alone;
  if (options.execute && !survey.clean()) {
    VARVE_ASSIGN_OR_RETURN(alone, TakeForOneself(repository, survey));
  }
  VARVE_ASSIGN_OR_RETURN(Index * index, repository.index());
  VARVE_ASSIGN_OR_RETURN(const std::unique_ptr<HealSource> own, NewOwnFramesSource(repository));
  sources.insert(sources.begin(), own.get());  // nearest first
  Repair repair(repository, std::move(sources), options, std::move(survey), *index, progress);
  VARVE_RETURN_IF_ERROR(repair.Run());
  return repair.TakeReport();
}

}  // namespace varve
