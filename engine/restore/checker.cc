#include "restore/checker.h"

#include <algorithm>

#include "base/content_hasher.h"
#include "base/limits.h"
#include "repo/volume_quotas.h"
#include "store/frame_reader.h"
#include "store/pack_reader.h"

namespace varve {
namespace {

class Check {
 public:
  Check(Repository& repository, Progress& progress)
      : repository_(repository), storage_(repository.storage()), progress_(progress) {}

  Status Run() {
    // Records first: a snapshot that is committed while we look refers to packs we may not see.
    std::vector<DamagedRecord> damaged;
    VARVE_ASSIGN_OR_RETURN(records_, repository_.Snapshots(&damaged));
    for (const DamagedRecord& record : damaged) {
      // Without the key a sealed record that is whole can be told from a damaged one, no more.
      if (!IsKeyFailure(record.status)) Find(record.path, record.status.message());
    }
    report_.snapshots = records_.size() + damaged.size();
    VARVE_RETURN_IF_ERROR(CheckConfig());
    VARVE_RETURN_IF_ERROR(CheckKeySlots());
    VARVE_RETURN_IF_ERROR(CheckQuotas());
    VARVE_RETURN_IF_ERROR(CheckIndexFiles());
    VARVE_RETURN_IF_ERROR(CheckPacks());
    VARVE_RETURN_IF_ERROR(CheckSnapshots());
    return NoteLeftovers();
  }

  CheckReport TakeReport() { return std::move(report_); }

 private:
  void Find(const std::string& object, const std::string& what) {
    report_.findings.push_back({object, what});
  }

  // Without the key: whole or not is all that can be said.
  void CheckSealedConfig() {
    for (const char* path : {kConfigPath, kConfigCopyPath}) {
      const Status status = storage_.ReadSmall(path, kSmallObjectMax).status();
      if (!IsKeyFailure(status)) Find(path, status.message());
    }
  }

  Status CheckConfig() {
    if (repository_.locked()) {
      CheckSealedConfig();
      return {};
    }
    std::vector<std::string> damage;
    const Result<RepositoryConfig> config = ReadConfig(storage_, repository_.name(), &damage);
    for (const std::string& line : damage)
      Find(line.substr(0, line.find(':')), line);
    VARVE_RETURN_IF_ERROR(config.status());
    // Both good, but not the same: one of them is another repository's.
    const Bytes expected = EncodeConfig(repository_.config());
    for (const char* path : {kConfigPath, kConfigCopyPath}) {
      const Result<Bytes> object = storage_.ReadSmall(path, kSmallObjectMax);
      if (object.ok() && damage.empty() && *object != expected) {
        Find(path, std::string(path) + ": is not the configuration of this repository");
      }
    }
    return {};
  }

  Status CheckKeySlots() {
    if (!repository_.encrypted()) return {};
    VARVE_ASSIGN_OR_RETURN(const KeySlotListing listing,
                           ListKeySlots(storage_, repository_.config().id));
    for (const FoundKeySlot& found : listing.slots) {
      for (const std::string& line : found.damage)
        Find(line.substr(0, line.find(':')), line);
    }
    for (const std::string& line : listing.damage)
      Find(line.substr(0, line.find(':')), line);
    return {};
  }

  Status CheckQuotas() {
    VARVE_ASSIGN_OR_RETURN(const QuotaListing listing,
                           ListQuotas(storage_, repository_.config().id));
    for (const DamagedQuotaFile& file : listing.damage) {
      if (!IsKeyFailure(file.status)) Find(file.path, file.What());
    }
    return {};
  }

  Status CheckIndexFiles() {
    VARVE_ASSIGN_OR_RETURN(const std::vector<std::string> lines, repository_.local().VerifyIndex());
    for (const std::string& line : lines) {
      Find("index", line + " (hurts no snapshot; rebuild-index makes it anew)");
    }
    return {};
  }

  Status CheckPacks() {
    VARVE_ASSIGN_OR_RETURN(Index * index, repository_.index());
    std::vector<std::string> strangers;
    VARVE_ASSIGN_OR_RETURN(const std::vector<PackListing> packs, ListPacks(storage_, &strangers));
    for (const std::string& stranger : strangers) {
      report_.notes.push_back(stranger + " is no pack");
    }
    report_.packs = packs.size();
    for (const PackListing& pack : packs)
      progress_.bytes_total += pack.size_bytes;
    for (const PackListing& pack : packs) {
      if (progress_.cancelled) return Cancelled("interrupted");
      VARVE_RETURN_IF_ERROR(CheckPack(pack, *index));
      report_.bytes_checked += pack.size_bytes;
      progress_.bytes_done += pack.size_bytes;
    }
    return {};
  }

  Status CheckPack(const PackListing& pack, Index& index) {
    const std::string object = "pack " + pack.id.Hex();
    const Status scanned =
        ScanPack(storage_, pack.id, repository_.config().id, [&](const PackDamage& damage) {
          Find(object, damage.what);
          if (damage.frames_missing) frames_missing_ = true;
          if (damage.frame.IsZero() || IsReadable(damage, index)) return;
          damaged_frames_.insert({pack.id, damage.offset});
        });
    if (scanned.code() == Code::kNotFound) return {};  // removed meanwhile
    if (!scanned.ok()) {
      Find(object, scanned.message());
      frames_missing_ = true;
      return {};
    }
    const Result<std::vector<PlacedFrame>> frames =
        ReadPackFrames(storage_, pack.id, repository_.config().id);
    if (!frames.ok()) return {};  // the scan told
    report_.frames += frames->size();
    return CompareWithIndex(pack.id, *frames, index);
  }

  // Damaged and not lost: another frame has the same content, or only the frame's header is damaged
  // and the footer tells how to read the rest.
  bool IsReadable(const PackDamage& damage, Index& index) {
    FrameReader frames(storage_, index);
    Bytes raw(damage.raw_length);
    FrameRequest request;
    request.id = damage.frame;
    request.kind = damage.kind;
    request.into = raw;
    if (!frames.ReadMany({&request, 1}).ok() || !request.status.ok()) return false;
    ContentHasher hasher(repository_.config().id_key);
    return hasher.Compute(damage.kind, ByteSpan(raw).first(request.length)) == damage.frame;
  }

  // Every frame must be findable. Where it is found may be another pack: ids are stored again now
  // and then.
  Status CompareWithIndex(const PackId& pack, const std::vector<PlacedFrame>& frames,
                          Index& index) {
    std::vector<ContentId> unknown;
    VARVE_RETURN_IF_ERROR(LookInFreshViews(index, [&]() -> Result<bool> {
      VARVE_ASSIGN_OR_RETURN(unknown, FindUnknown(pack, frames, index));
      return !unknown.empty();
    }));
    // Collected since it was scanned: the index need not know it.
    if (!unknown.empty() && storage_.Size(PackPath(pack)).status().code() == Code::kNotFound) {
      return {};
    }
    for (const ContentId& id : unknown) {
      Find("index", "index: does not know " + id.Hex() + " of pack " + pack.Hex() + " as it is");
    }
    return {};
  }

  static Result<std::vector<ContentId>> FindUnknown(const PackId& pack,
                                                    const std::vector<PlacedFrame>& frames,
                                                    Index& index) {
    std::vector<ContentId> ids;
    for (const PlacedFrame& frame : frames)
      ids.push_back(frame.info.id);
    std::vector<std::optional<Place>> places;
    VARVE_RETURN_IF_ERROR(index.FindMany(ids, &places));
    std::vector<ContentId> unknown;
    for (size_t i = 0; i < frames.size(); ++i) {
      const bool same_pack = places[i] && places[i]->pack == pack;
      const bool agrees = places[i] && (!same_pack || (places[i]->offset == frames[i].offset &&
                                                       places[i]->frame == frames[i].info));
      if (!agrees) unknown.push_back(ids[i]);
    }
    return unknown;
  }

  Status CheckSnapshots() {
    // Where a pack does not say what was in it, only reading tells what is left.
    const VerifyLevel level = frames_missing_ ? VerifyLevel::kFull : VerifyLevel::kStructure;
    for (const SnapshotRecord& record : records_) {
      Progress quiet;
      if (progress_.cancelled) return Cancelled("interrupted");
      VARVE_ASSIGN_OR_RETURN(VerifyReport verified,
                             VerifySnapshot(repository_, record, level, quiet, damaged_frames_));
      if (verified.hurt.empty()) continue;
      const Result<SnapshotRecord> again = repository_.Snapshot(record.id);
      if (again.status().code() == Code::kNotFound) continue;  // deleted meanwhile
      report_.hurt.push_back({record.id, record.volume_name, std::move(verified.hurt)});
    }
    return {};
  }

  Status NoteLeftovers() {
    VARVE_ASSIGN_OR_RETURN(const auto entries, storage_.disk().List("."));
    static const std::vector<std::string> kKnown = {
        "config", "config.copy", "snapshots",  "packs",      "sessions", "index",
        "lock",   "gc",          "keys",       "quarantine", "damage",   "scrub",
        "holds",  "locks",       "tombstones", "quotas",     "reserve"};
    for (const DirectoryEntry& entry : entries) {
      if (std::find(kKnown.begin(), kKnown.end(), entry.name) == kKnown.end()) {
        report_.notes.push_back(entry.name + " is not varve's");
      }
    }
    const Result<std::vector<SessionRecord>> sessions = repository_.Sessions();
    if (!sessions.ok()) {
      if (IsKeyFailure(sessions.status())) {
        report_.notes.push_back("there are sessions; who works cannot be read without the key");
        return {};
      }
      Find("sessions", sessions.status().message());
      return {};
    }
    for (const SessionRecord& session : *sessions) {
      report_.notes.push_back("session " + session.id.Short() + ": " + session.purpose +
                              " by process " + std::to_string(session.process_id) + " on " +
                              session.host);
    }
    return {};
  }

  Repository& repository_;
  Storage& storage_;
  Progress& progress_;
  std::vector<SnapshotRecord> records_;
  DamagedFrames damaged_frames_;
  bool frames_missing_ = false;
  CheckReport report_;
};

}  // namespace

Result<CheckReport> CheckRepository(Repository& repository, Progress& progress) {
  Check check(repository, progress);
  VARVE_RETURN_IF_ERROR(check.Run());
  return check.TakeReport();
}

}  // namespace varve
