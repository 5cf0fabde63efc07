#include "heal/scrubber.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/limits.h"
#include "format/session_record.h"
#include "heal/pack_probe.h"
#include "heal/scrub_progress.h"
#include "repo/damage_log.h"
#include "repo/volume_quotas.h"
#include "store/pack_reader.h"

namespace varve {
namespace {

class Scrub {
 public:
  Scrub(Repository& repository, const ScrubOptions& options, Progress& progress)
      : repository_(repository),
        storage_(repository.storage()),
        options_(options),
        progress_(progress),
        state_store_(storage_, repository.config().id),
        pacer_(repository.clock(), options.bytes_per_second, options.sleep) {}

  Status Run() {
    // Records first: a snapshot that is committed while we look refers to packs we may not see.
    std::vector<DamagedRecord> damaged;
    VARVE_ASSIGN_OR_RETURN(records_, repository_.Snapshots(&damaged));
    for (const DamagedRecord& record : damaged) {
      Find(record.path, 0, record.status.message());
    }
    VARVE_RETURN_IF_ERROR(CheckConfig());
    VARVE_RETURN_IF_ERROR(CheckQuotas());
    VARVE_RETURN_IF_ERROR(CheckSessions());
    VARVE_RETURN_IF_ERROR(CheckIndexFiles());
    VARVE_RETURN_IF_ERROR(ReadLog());
    VARVE_RETURN_IF_ERROR(PlanPacks());
    const Status scrubbed = ScrubPacks();
    SaveState();  // also what an interrupt or an error leaves
    VARVE_RETURN_IF_ERROR(scrubbed);
    // Beyond this point every pack of this run was looked at and its damage is on record.
    TellStandingDamage();
    return Locate();
  }

  ScrubReport TakeReport() { return std::move(report_); }

 private:
  void Find(const std::string& object, uint64_t offset, const std::string& what) {
    report_.findings.push_back({object, offset, what});
  }

  Status CheckConfig() {
    std::vector<std::string> damage;
    const Result<RepositoryConfig> config = ReadConfig(storage_, repository_.name(), &damage);
    for (const std::string& line : damage)
      Find(line.substr(0, line.find(':')), 0, line);
    VARVE_RETURN_IF_ERROR(config.status());
    const Result<Bytes> first = storage_.ReadSmall(kConfigPath, kSmallObjectMax);
    const Result<Bytes> second = storage_.ReadSmall(kConfigCopyPath, kSmallObjectMax);
    if (damage.empty() && first.ok() && second.ok() && *first != *second) {
      Find(kConfigCopyPath, 0, std::string(kConfigCopyPath) + ": differs from " + kConfigPath);
    }
    return {};
  }

  Status CheckQuotas() {
    VARVE_ASSIGN_OR_RETURN(const QuotaListing listing,
                           ListQuotas(storage_, repository_.config().id));
    for (const DamagedQuotaFile& file : listing.damage)
      Find(file.path, 0, file.What());
    return {};
  }

  Status CheckSessions() {
    VARVE_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> files, storage_.List("sessions"));
    for (const DirectoryEntry& file : files) {
      const std::string path = "sessions/" + file.name;
      SessionId id;
      if (!SessionId::Parse(file.name, &id)) {
        Find(path, 0, path + ": is no name of a session");
        continue;
      }
      const Result<Bytes> object = storage_.ReadSmall(path, kSmallObjectMax);
      if (object.status().code() == Code::kNotFound) continue;  // it ended while we looked
      const Status status =
          object.ok() ? DecodeSessionRecord(path, *object, repository_.config().id, id).status()
                      : object.status();
      if (!status.ok()) Find(path, 0, status.message());
    }
    return {};
  }

  Status CheckIndexFiles() {
    VARVE_ASSIGN_OR_RETURN(const std::vector<std::string> lines, repository_.local().VerifyIndex());
    for (const std::string& line : lines) {
      Find("index", 0, line + " (hurts no snapshot; it is made anew by itself)");
    }
    return {};
  }

  Status ReadLog() {
    VARVE_ASSIGN_OR_RETURN(const DamageLog log, ReadDamageLog(storage_, repository_.config().id));
    for (const auto& [path, status] : log.unreadable)
      Find(path, 0, status.message());
    for (const DamageRecord& record : log.records) {
      std::set<uint64_t>& offsets = on_record_[record.pack];
      offsets.insert(record.offsets.begin(), record.offsets.end());
      for (const uint64_t offset : record.offsets)
        damaged_.insert({record.pack, offset});
    }
    return {};
  }

  // What this pass has not looked at yet, longest ago first.
  Status PlanPacks() {
    std::vector<std::string> strangers;
    VARVE_ASSIGN_OR_RETURN(const std::vector<PackListing> packs, ListPacks(storage_, &strangers));
    for (const std::string& stranger : strangers) {
      report_.notes.push_back(stranger + " is no pack");
    }
    VARVE_ASSIGN_OR_RETURN(state_, state_store_.Load(&report_.notes));
    std::map<PackId, PackVerified> present;
    for (const PackListing& pack : packs) {
      const auto found = state_.packs.find(pack.id);
      if (found != state_.packs.end()) present[pack.id] = found->second;
    }
    state_.packs = std::move(present);
    const auto done = [&](const PackListing& pack) {
      const auto found = state_.packs.find(pack.id);
      return found != state_.packs.end() && found->second.pass == state_.pass;
    };
    if (options_.restart && std::any_of(packs.begin(), packs.end(), done)) ++state_.pass;
    for (const PackListing& pack : packs) {
      if (done(pack)) {
        report_.resumed = true;
      } else {
        waiting_.push_back(pack);
      }
    }
    std::sort(waiting_.begin(), waiting_.end(),
              [&](const PackListing& a, const PackListing& b) { return Age(a.id) < Age(b.id); });
    for (const PackListing& pack : waiting_)
      progress_.bytes_total += pack.size_bytes;
    report_.pass = state_.pass;
    report_.packs_total = packs.size();
    return {};
  }

  std::tuple<uint64_t, int64_t, PackId> Age(const PackId& pack) const {
    const auto found = state_.packs.find(pack);
    if (found == state_.packs.end()) return {0, 0, pack};
    return {found->second.pass, found->second.unix_ns, pack};
  }

  Status ScrubPacks() {
    report_.packs_left = waiting_.size();
    uint64_t unsaved_bytes = 0;
    for (const PackListing& pack : waiting_) {
      if (progress_.cancelled) return Cancelled("interrupted");
      if (options_.bytes_max != 0 && report_.bytes_verified >= options_.bytes_max) return {};
      VARVE_RETURN_IF_ERROR(ScrubPack(pack));
      state_.packs[pack.id] = {state_.pass, repository_.clock().NowUnixNs()};
      --report_.packs_left;
      ++report_.packs_verified;
      report_.bytes_verified += pack.size_bytes;
      progress_.bytes_done += pack.size_bytes;
      unsaved_bytes += pack.size_bytes;
      if (unsaved_bytes >= options_.save_every_bytes) {
        SaveState();
        unsaved_bytes = 0;
      }
      pacer_.Spend(pack.size_bytes, progress_);
    }
    report_.complete = true;
    return {};
  }

  Status ScrubPack(const PackListing& pack) {
    Index* index = nullptr;
    if (options_.depth == ScrubDepth::kId) {
      VARVE_ASSIGN_OR_RETURN(index, repository_.index());
    }
    VARVE_ASSIGN_OR_RETURN(const PackProbe probe,
                           ProbePack(storage_, repository_.config(), pack.id, index));
    if (probe.is_gone) return {};  // collected or repaired meanwhile
    report_.frames_verified += probe.frames_whole;
    report_.frames_unproved += probe.frames_unproved;
    if (probe.damage.empty()) return {};
    const bool is_known = on_record_.contains(pack.id);
    std::set<uint64_t>& known = on_record_[pack.id];
    std::vector<uint64_t> fresh;
    for (const PackDamage& damage : probe.damage) {
      Find("pack " + pack.id.Hex(), damage.offset, damage.what);
      told_.insert({pack.id, damage.offset});
      if (damage.frame.IsZero()) continue;
      damaged_.insert({pack.id, damage.offset});
      if (known.insert(damage.offset).second) fresh.push_back(damage.offset);
    }
    if (is_known && fresh.empty()) return {};
    std::sort(fresh.begin(), fresh.end());
    found_new_ = true;
    return RecordDamage(storage_, repository_.random(), repository_.config().id, pack.id, fresh,
                        repository_.clock().NowUnixNs(),
                        "found by a scrub: " + probe.damage[0].what);
  }

  // Progress is a hint: losing it costs time, not safety.
  void SaveState() {
    ScrubState state = state_;
    if (report_.complete) ++state.pass;
    const Status saved = state_store_.Save(state);
    if (!saved.ok()) {
      report_.notes.push_back("the scrub's progress could not be kept: " + saved.message());
    }
  }

  // What earlier scrubs found and nobody repaired is damage still.
  void TellStandingDamage() {
    for (const auto& [pack, offsets] : on_record_) {
      const auto first = told_.lower_bound({pack, 0});
      const bool seen_now = first != told_.end() && first->first == pack;
      if (offsets.empty() && !seen_now) {
        Find("pack " + pack.Hex(), 0, "pack " + pack.Hex() + ": is damaged, as found earlier");
      }
      for (const uint64_t offset : offsets) {
        if (told_.contains({pack, offset})) continue;
        Find("pack " + pack.Hex(), offset,
             "pack " + pack.Hex() + ": frame at " + std::to_string(offset) +
                 " is damaged, as found earlier");
      }
    }
    report_.oldest_verified_unix_ns = report_.packs_left > 0 ? OldestLeft() : Oldest();
  }

  int64_t OldestLeft() const {
    for (const PackListing& pack : waiting_) {
      if (!state_.packs.contains(pack.id)) return 0;
    }
    return Oldest();
  }
  int64_t Oldest() const {
    int64_t oldest = INT64_MAX;
    for (const auto& [pack, verified] : state_.packs)
      oldest = std::min(oldest, verified.unix_ns);
    return oldest == INT64_MAX ? 0 : oldest;
  }

  // Which snapshots are hurt, and where. Without damage only a whole pass looks: for packs that are
  // missing altogether.
  Status Locate() {
    if (report_.findings.empty() && !report_.complete) return {};
    if (found_new_) repository_.CloseIndex();  // it opens again with the new damage applied
    for (const SnapshotRecord& record : records_) {
      if (progress_.cancelled) return Cancelled("interrupted");
      Progress quiet;
      VARVE_ASSIGN_OR_RETURN(
          VerifyReport verified,
          VerifySnapshot(repository_, record, VerifyLevel::kStructure, quiet, damaged_));
      if (verified.hurt.empty()) continue;
      const Result<SnapshotRecord> again = repository_.Snapshot(record.id);
      if (again.status().code() == Code::kNotFound) continue;  // forgotten meanwhile
      report_.hurt.push_back({record.id, record.volume_name, std::move(verified.hurt)});
    }
    return {};
  }

  Repository& repository_;
  Storage& storage_;
  const ScrubOptions& options_;
  Progress& progress_;
  ScrubProgress state_store_;
  Pacer pacer_;
  ScrubState state_;
  std::vector<SnapshotRecord> records_;
  std::vector<PackListing> waiting_;
  std::map<PackId, std::set<uint64_t>> on_record_;
  std::set<std::pair<PackId, uint64_t>> told_;
  DamagedFrames damaged_;
  bool found_new_ = false;
  ScrubReport report_;
};

}  // namespace

Result<ScrubReport> ScrubRepository(Repository& repository, const ScrubOptions& options,
                                    Progress& progress) {
  Scrub scrub(repository, options, progress);
  VARVE_RETURN_IF_ERROR(scrub.Run());
  return scrub.TakeReport();
}

}  // namespace varve
