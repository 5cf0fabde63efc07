// What is damaged in a repository, as a repair sees it: the plan's first half. Reads, changes
// nothing.
#pragma once

#include <string>
#include <vector>

#include "base/progress.h"
#include "base/status.h"
#include "heal/pack_probe.h"
#include "repo/damage_log.h"
#include "repo/repository.h"
#include "repo/volume_quotas.h"
#include "restore/checker.h"

namespace varve {

// A pack that is to be left: what is good in it moves to new packs.
struct DamagedPack {
  PackId pack;
  std::vector<PackDamage> damage;
  // Whole frames, also those that neither footer nor the walk from the start tells of.
  std::vector<PlacedFrame> good;
  std::string Why() const;
};

struct RepairSurvey {
  std::vector<CheckFinding> findings;    // everything below, for people
  std::vector<std::string> bad_configs;  // paths; one copy at least is good
  std::vector<DamagedRecord> bad_records;
  std::vector<SnapshotRecord> records;  // the good ones
  std::vector<DamagedQuotaFile> bad_quotas;
  std::vector<std::string> bad_sessions;
  bool bad_index = false;
  std::vector<DamagedPack> packs;
  DamagedFrames damaged_frames;
  // Damage records that say nothing (any more): their pack is gone, whole after all, or they cannot
  // be read.
  std::vector<std::string> void_damage_records;
  std::vector<std::string> standing_damage_records;  // of `packs`
  // Objects whose replacement was interrupted.
  std::vector<std::string> waiting_replacements;
  uint64_t packs_read = 0;
  uint64_t bytes_read = 0;

  bool clean() const { return findings.empty() && void_damage_records.empty(); }
};

// `only_known` reads the packs that scrubs have found damaged, not all of them. With `prove_ids`
// every frame of every pack is decoded; otherwise only those of packs with damage on record.
Result<RepairSurvey> SurveyDamage(Repository& repository, bool only_known, bool prove_ids,
                                  Progress& progress);

}  // namespace varve
