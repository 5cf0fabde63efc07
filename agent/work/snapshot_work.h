// A backup as a snapshot: capture, read, release, facts. What the backup job does, and what a
// restore does before it touches anything.
#pragma once

#include <optional>
#include <string>

#include "agent/work/work_steps.h"

namespace varve::agent {

struct SnapshotWork {
  Addon addon;  // with its volume's absolute path
  std::string backup_id;
  std::optional<int> level;
  std::optional<CaptureKind> capture;  // instead of the addon's
};

// Takes the backup, whose record is in progress, and completes the record. Where it fails nothing
// of the capture is left and the record stays in progress for the caller to end.
Status TakeBackup(const WorkPlant& plant, const SnapshotWork& work, JobContext& context);

// The facts that a snapshot's record holds.
void FillFacts(const SnapshotRecord& record, Backup& backup);

// For a backup that was in progress when the agent ended: completed if its snapshot was committed,
// else failed with the reason.
Status SettleBackup(const WorkPlant& plant, const std::string& backup_id, JobContext& context);

// Tags of snapshots by which the agent knows them again.
inline constexpr const char* kAddonTag = "varve.addon";
inline constexpr const char* kBackupTag = "varve.backup";
inline constexpr const char* kNameTag = "varve.name";
inline constexpr const char* kCaptureTag = "varve.capture";
// The tag's value; empty if there is none.
std::string TagOf(const SnapshotRecord& record, const std::string& key);

}  // namespace varve::agent
