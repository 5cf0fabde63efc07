#include "heal/repair_survey.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/limits.h"
#include "format/session_record.h"
#include "repo/quarantine.h"
#include "store/pack_writer.h"

namespace varve {
namespace {

// Frames that begin anywhere in the pack at or after `begin`. Only what a reader could use: header
// and stored bytes whole.
std::vector<PlacedFrame> SearchFrames(const std::string& name, ByteSpan pack, uint64_t begin) {
  constexpr std::string_view kMagic = "VFRM";
  std::vector<PlacedFrame> frames;
  auto next = pack.begin() + static_cast<ptrdiff_t>(std::min<uint64_t>(begin, pack.size()));
  while ((next = std::search(next, pack.end(), kMagic.begin(), kMagic.end())) != pack.end()) {
    const auto offset = static_cast<uint64_t>(next - pack.begin());
    uint64_t checksum = 0;
    const Result<FrameInfo> info = DecodeFrameHeader(name, offset, pack.subspan(offset), &checksum);
    const bool fits = info.ok() && info->FrameBytes() <= pack.size() - offset;
    if (fits &&
        CheckStoredFrame(name, offset, pack.subspan(offset, info->FrameBytes()), *info).ok()) {
      frames.push_back({offset, *info});
      next += static_cast<ptrdiff_t>(info->FrameBytes());
    } else {
      ++next;
    }
  }
  return frames;
}

class Survey {
 public:
  Survey(Repository& repository, bool only_known, bool prove_ids, Progress& progress)
      : repository_(repository),
        storage_(repository.storage()),
        only_known_(only_known),
        prove_ids_(prove_ids),
        progress_(progress) {}

  Status Run() {
    VARVE_RETURN_IF_ERROR(LookAtConfig());
    VARVE_RETURN_IF_ERROR(LookAtRecords());
    VARVE_RETURN_IF_ERROR(LookAtQuotas());
    VARVE_RETURN_IF_ERROR(LookAtSessions());
    VARVE_RETURN_IF_ERROR(LookAtIndex());
    return LookAtPacks();
  }

  RepairSurvey Take() { return std::move(survey_); }

 private:
  void Find(const std::string& object, const std::string& what) {
    survey_.findings.push_back({object, what});
  }

  Status LookAtConfig() {
    for (const char* path : {kConfigPath, kConfigCopyPath}) {
      const Result<Bytes> object = storage_.ReadSmall(path, kSmallObjectMax);
      const Status status = object.ok() ? DecodeConfig(path, *object).status() : object.status();
      if (status.ok()) continue;
      Find(path, status.code() == Code::kNotFound ? std::string(path) + ": is missing"
                                                  : status.message());
      survey_.bad_configs.push_back(path);
    }
    return {};
  }

  Status LookAtRecords() {
    std::vector<DamagedRecord> damaged;
    VARVE_ASSIGN_OR_RETURN(survey_.records, repository_.Snapshots(&damaged));
    for (DamagedRecord& record : damaged) {
      Find(record.path, record.status.message());
      survey_.bad_records.push_back(std::move(record));
    }
    VARVE_ASSIGN_OR_RETURN(survey_.waiting_replacements, WaitingReplacements(storage_));
    for (const std::string& path : survey_.waiting_replacements) {
      Find(path, path + ": an interrupted repair left its replacement in quarantine/");
    }
    return {};
  }

  Status LookAtQuotas() {
    VARVE_ASSIGN_OR_RETURN(QuotaListing listing, ListQuotas(storage_, repository_.config().id));
    for (const DamagedQuotaFile& file : listing.damage)
      Find(file.path, file.What());
    survey_.bad_quotas = std::move(listing.damage);
    return {};
  }

  Status LookAtSessions() {
    VARVE_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> files, storage_.List("sessions"));
    for (const DirectoryEntry& file : files) {
      const std::string path = "sessions/" + file.name;
      SessionId id;
      Status status = Corruption(path + ": is no name of a session");
      if (SessionId::Parse(file.name, &id)) {
        const Result<Bytes> object = storage_.ReadSmall(path, kSmallObjectMax);
        if (object.status().code() == Code::kNotFound) continue;
        status = object.ok()
                     ? DecodeSessionRecord(path, *object, repository_.config().id, id).status()
                     : object.status();
      }
      if (status.ok()) continue;
      Find(path, status.message());
      survey_.bad_sessions.push_back(path);
    }
    return {};
  }

  Status LookAtIndex() {
    VARVE_ASSIGN_OR_RETURN(const std::vector<std::string> lines, repository_.local().VerifyIndex());
    for (const std::string& line : lines)
      Find("index", line);
    survey_.bad_index = !lines.empty();
    return {};
  }

  Status LookAtPacks() {
    VARVE_ASSIGN_OR_RETURN(const DamageLog log, ReadDamageLog(storage_, repository_.config().id));
    for (const DamageId& id : log.obsolete)
      survey_.void_damage_records.push_back(DamagePath(id));
    for (const auto& [path, status] : log.unreadable) {
      Find(path, status.message());
      survey_.void_damage_records.push_back(path);
    }
    std::map<PackId, std::vector<const DamageRecord*>> on_record;
    for (const DamageRecord& record : log.records)
      on_record[record.pack].push_back(&record);
    VARVE_ASSIGN_OR_RETURN(std::vector<PackListing> packs, ListPacks(storage_));
    if (only_known_) {
      std::erase_if(packs, [&](const PackListing& p) { return !on_record.contains(p.id); });
    }
    for (const PackListing& pack : packs)
      progress_.bytes_total += pack.size_bytes;
    for (const PackListing& pack : packs) {
      if (progress_.cancelled) return Cancelled("interrupted");
      const auto known = on_record.find(pack.id);
      VARVE_RETURN_IF_ERROR(LookAtPack(pack, known != on_record.end()));
      const bool is_damaged = !survey_.packs.empty() && survey_.packs.back().pack == pack.id;
      if (known != on_record.end()) {
        std::vector<std::string>& records =
            is_damaged ? survey_.standing_damage_records : survey_.void_damage_records;
        for (const DamageRecord* record : known->second)
          records.push_back(DamagePath(record->id));
      }
      ++survey_.packs_read;
      survey_.bytes_read += pack.size_bytes;
      progress_.bytes_done += pack.size_bytes;
    }
    return {};
  }

  Status LookAtPack(const PackListing& listing, bool is_on_record) {
    Index* index = nullptr;
    if (prove_ids_ || is_on_record) {
      VARVE_ASSIGN_OR_RETURN(index, repository_.index());
    }
    VARVE_ASSIGN_OR_RETURN(PackProbe probe,
                           ProbePack(storage_, repository_.config(), listing.id, index));
    if (probe.is_gone || probe.damage.empty()) return {};
    DamagedPack pack;
    pack.pack = listing.id;
    std::set<uint64_t> damaged;
    bool whole_list = true;
    for (const PackDamage& damage : probe.damage) {
      Find("pack " + listing.id.Hex(), damage.what);
      if (damage.frame.IsZero()) {
        whole_list = whole_list && damage.offset == 0;
        continue;
      }
      damaged.insert(damage.offset);
      survey_.damaged_frames.insert({listing.id, damage.offset});
    }
    for (const PlacedFrame& frame : probe.frames) {
      if (!damaged.contains(frame.offset)) pack.good.push_back(frame);
    }
    // Without a footer the walk ends at the first bad header; there may be good frames behind it.
    if (!whole_list || probe.frames.empty()) SearchOn(listing, probe.frames, &pack.good);
    pack.damage = std::move(probe.damage);
    survey_.packs.push_back(std::move(pack));
    return {};
  }

  void SearchOn(const PackListing& listing, const std::vector<PlacedFrame>& known,
                std::vector<PlacedFrame>* good) {
    const Result<Bytes> pack = storage_.ReadSmall(PackPath(listing.id), kPackSizeMax);
    if (!pack.ok()) return;
    const uint64_t begin = known.empty() ? 0 : known.back().offset + known.back().info.FrameBytes();
    for (const PlacedFrame& frame : SearchFrames("pack " + listing.id.Hex(), *pack, begin)) {
      good->push_back(frame);
    }
  }

  Repository& repository_;
  Storage& storage_;
  const bool only_known_;
  const bool prove_ids_;
  Progress& progress_;
  RepairSurvey survey_;
};

}  // namespace

std::string DamagedPack::Why() const {
  std::string why;
  for (const PackDamage& piece : damage)
    why += piece.what + "\n";
  return why;
}

Result<RepairSurvey> SurveyDamage(Repository& repository, bool only_known, bool prove_ids,
                                  Progress& progress) {
  Survey survey(repository, only_known, prove_ids, progress);
  VARVE_RETURN_IF_ERROR(survey.Run());
  return survey.Take();
}

}  // namespace varve
