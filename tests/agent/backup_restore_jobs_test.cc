// Backups and restores as jobs: what they leave when all goes well, when a step fails, when they
// are aborted, and when the agent dies in them.
#include "agent/work/snapshot_work.h"
#include "agent/work_site.h"

namespace varve::agent {
namespace {

using BackupAndRestore = WorkSite;
// Its tests fork, and the engine's threads do not go through a fork: gtest runs suites of that name
// before all others.
using DyingAgentDeathTest = WorkSite;

TEST_F(BackupAndRestore, ABackupIsCompletedWithItsFacts) {
  const Backup backup = MakeBackup();
  EXPECT_EQ(backup.status, WorkStatus::kCompleted);
  EXPECT_EQ(backup.snapshot_id.size(), 32u);
  EXPECT_EQ(backup.facts.bytes_logical, kVolumeBytes);
  EXPECT_EQ(backup.facts.capture, "plain");
  EXPECT_EQ(backup.facts.consistency, "crash");
  EXPECT_TRUE(NoFacts());
  EXPECT_EQ(phases_, (std::vector<std::string>{"open repository", "capture", "read", "release"}));
  auto engine = Engine::Open(directory_.File("repository"), OpenMode::kRead, "test", nullptr);
  ASSERT_TRUE(IsOk(engine));
  const auto record = (*engine)->Find("orders@latest");
  ASSERT_TRUE(IsOk(record));
  EXPECT_EQ(TagOf(*record, "varve.backup"), backup.id);
  EXPECT_EQ(TagOf(*record, "varve.addon"), "orders");
}

TEST_F(BackupAndRestore, AVolumeThatIsGoneFailsTheBackup) {
  std::filesystem::remove(VolumePath());
  const auto backup = requests_->StartBackup("orders", {});
  ASSERT_TRUE(IsOk(backup));
  const Status status = RunOpenJob();
  EXPECT_TRUE(HasCode(status, Code::kNotFound));
  EXPECT_TRUE(Mentions(status, VolumePath()));
  EXPECT_TRUE(NoFacts());
}

TEST_F(BackupAndRestore, AStoppedCaptureStartsTheDatabaseAgain) {
  UseHooks();
  addon_.volume.capture = CaptureKind::kStopped;
  ASSERT_TRUE(IsOk(state_->UpdateAddon(addon_)));
  const Backup backup = MakeBackup();
  EXPECT_EQ(backup.facts.capture, "stopped");
  EXPECT_EQ(backup.facts.consistency, "application");
  EXPECT_GT(backup.facts.pause_ns, 0);
  EXPECT_EQ(HooksRun(), "stop\nstart\n");
  EXPECT_NE(LogOf(backup.id).find("info stop hook: hook stop orders"), std::string::npos);
}

TEST_F(BackupAndRestore, AnAbortBeforeTheReadStartsTheDatabaseAgain) {
  UseHooks();
  addon_.volume.capture = CaptureKind::kStopped;
  ASSERT_TRUE(IsOk(state_->UpdateAddon(addon_)));
  ASSERT_TRUE(IsOk(requests_->StartBackup("orders", {})));
  EXPECT_TRUE(HasCode(RunOpenJob("read"), Code::kCancelled));
  EXPECT_EQ(HooksRun(), "stop\nstart\n");
  EXPECT_TRUE(NoFacts());
}

TEST_F(DyingAgentDeathTest, DyingInABackupLeavesNothingInProgress) {
  UseHooks();
  addon_.volume.capture = CaptureKind::kStopped;
  ASSERT_TRUE(IsOk(state_->UpdateAddon(addon_)));
  for (const char* phase : {"open repository", "capture", "read", "release"}) {
    SCOPED_TRACE(phase);
    std::filesystem::remove(directory_.File("hooks"));
    const auto backup = requests_->StartBackup("orders", {});
    ASSERT_TRUE(IsOk(backup));
    const Job job = OpenJob();
    EXPECT_TRUE(IsOk(DieAndRecover(phase)));
    const bool committed = std::string(phase) == "release";
    EXPECT_EQ(BackupNow(backup->id).status,
              committed ? WorkStatus::kCompleted : WorkStatus::kFailed);
    EXPECT_EQ(BackupNow(backup->id).snapshot_id.empty(), !committed);
    EXPECT_TRUE(HooksRun().empty() || HooksRun().ends_with("start\n"));
    EXPECT_TRUE(NoFacts());
    EndJob(job);
  }
}

TEST_F(BackupAndRestore, ARestoreWritesWhatDiffersAndLeavesASafetySnapshot) {
  UseHooks();
  const Backup backup = MakeBackup();
  std::fstream(VolumePath(), std::ios::binary | std::ios::in | std::ios::out).write("changed", 7);
  const std::string changed = Content(VolumePath());
  const auto restore = requests_->StartRestore({.backup_id = backup.id});
  ASSERT_TRUE(IsOk(restore));
  ASSERT_TRUE(IsOk(RunOpenJob()));
  EXPECT_TRUE(VolumeIs('a'));
  EXPECT_EQ(HooksRun(), "stop\nstart\nhealth\n");
  const RestoreRecord record = RestoreNow(restore->id);
  EXPECT_EQ(record.status, WorkStatus::kCompleted);
  EXPECT_EQ(record.bytes_total, kVolumeBytes);
  EXPECT_GT(record.bytes_written, 0u);
  EXPECT_LE(record.bytes_written, 64u << 10);
  EXPECT_TRUE(NoFacts());
  // The safety snapshot is a backup like any other.
  EXPECT_EQ(BackupNow(record.safety_backup_id).purpose, "safety");
  ASSERT_TRUE(IsOk(
      requests_->StartRestore({.backup_id = record.safety_backup_id, .safety_snapshot = false})));
  ASSERT_TRUE(IsOk(RunOpenJob()));
  EXPECT_EQ(Content(VolumePath()), changed);
}

TEST_F(BackupAndRestore, AFailingStepBringsTheOldStateBack) {
  UseHooks();
  const Backup backup = MakeBackup();
  WriteVolume('b');
  for (const char* word : {"stop", "start", "health"}) {
    SCOPED_TRACE(word);
    MakeFail(word);
    const auto restore = requests_->StartRestore({.backup_id = backup.id});
    ASSERT_TRUE(IsOk(restore));
    const Status status = RunOpenJob();
    EXPECT_TRUE(Mentions(status, std::string(word) + " hook"));
    EXPECT_TRUE(VolumeIs('b'));
    EXPECT_NE(LogOf(restore->id).find("error "), std::string::npos);
    if (std::string(word) != "stop") {
      EXPECT_NE(LogOf(restore->id).find("safety snapshot"), std::string::npos);
    }
    MakeWork(word);
  }
}

TEST_F(BackupAndRestore, WithoutItsSafetySnapshotNothingIsTouched) {
  UseHooks();
  const Backup backup = MakeBackup();
  WriteVolume('b');
  addon_.volume.capture = CaptureKind::kFrozen;  // what a volume without a mountpoint cannot be
  ASSERT_TRUE(IsOk(state_->UpdateAddon(addon_)));
  MakeFail("stop");  // and it cannot be stopped for one either
  const auto restore = requests_->StartRestore({.backup_id = backup.id});
  ASSERT_TRUE(IsOk(restore));
  EXPECT_TRUE(Mentions(RunOpenJob(), "safety snapshot"));
  EXPECT_TRUE(VolumeIs('b'));
  EXPECT_EQ(BackupNow(RestoreNow(restore->id).safety_backup_id).status, WorkStatus::kFailed);
}

TEST_F(BackupAndRestore, AnAbortAtAnyStepBringsTheOldStateBack) {
  UseHooks();
  const Backup backup = MakeBackup();
  WriteVolume('b');
  for (const char* phase : {"safety snapshot", "capture", "release", "write", "health"}) {
    SCOPED_TRACE(phase);
    const auto restore = requests_->StartRestore({.backup_id = backup.id});
    ASSERT_TRUE(IsOk(restore));
    const Status status = RunOpenJob(phase);
    if (std::string(phase) == "health" && status.ok()) {
      EXPECT_TRUE(VolumeIs('a'));  // it answered before the abort was looked at
      WriteVolume('b');
      continue;
    }
    EXPECT_TRUE(HasCode(status, Code::kCancelled));
    EXPECT_TRUE(VolumeIs('b'));
    EXPECT_TRUE(NoFacts());
  }
}

TEST_F(DyingAgentDeathTest, DyingInARestoreBringsTheOldStateAndTheDatabaseBack) {
  UseHooks();
  const Backup backup = MakeBackupInChild();
  for (const char* phase : {"safety snapshot", "read", "release", "stop", "unmount", "write",
                            "mount", "start", "health"}) {
    SCOPED_TRACE(phase);
    WriteVolume('b');
    std::filesystem::remove(directory_.File("hooks"));
    const auto restore = requests_->StartRestore({.backup_id = backup.id});
    ASSERT_TRUE(IsOk(restore));
    const Job job = OpenJob();
    EXPECT_TRUE(IsOk(DieAndRecover(phase)));
    EXPECT_EQ(RestoreNow(restore->id).status, WorkStatus::kFailed);
    EXPECT_TRUE(Mentions(Status(Code::kIo, RestoreNow(restore->id).error), "agent ended"));
    EXPECT_TRUE(VolumeIs('b'));
    const std::string hooks = HooksRun();
    EXPECT_TRUE(hooks.empty() || hooks.ends_with("start\n") || hooks.ends_with("health\n"));
    EXPECT_TRUE(NoFacts());
    EndJob(job);
  }
}

TEST_F(DyingAgentDeathTest, DyingWhileWritingWithoutASafetySnapshotFinishesTheRestore) {
  UseHooks();
  const Backup backup = MakeBackupInChild();
  WriteVolume('b');
  const auto restore = requests_->StartRestore({.backup_id = backup.id, .safety_snapshot = false});
  ASSERT_TRUE(IsOk(restore));
  EXPECT_TRUE(IsOk(DieAndRecover("mount")));
  EXPECT_EQ(RestoreNow(restore->id).status, WorkStatus::kCompleted);
  EXPECT_TRUE(VolumeIs('a'));
  EXPECT_TRUE(HooksRun().ends_with("start\nhealth\n"));
  EXPECT_TRUE(NoFacts());
}

TEST_F(BackupAndRestore, AForkIsANewVolumeAndRemembersItsSource) {
  const Backup backup = MakeBackup();
  WriteVolume('b');
  Addon fork;
  fork.id = "orders-fork";
  const auto restore = requests_->ForkAddon(fork, "orders", "latest");
  ASSERT_TRUE(IsOk(restore));
  ASSERT_TRUE(IsOk(RunOpenJob()));
  EXPECT_EQ(Content(VolumePath("orders-fork.img")), std::string(kVolumeBytes, 'a'));
  EXPECT_TRUE(VolumeIs('b'));
  const auto made = state_->FindAddon("orders-fork");
  ASSERT_TRUE(IsOk(made));
  EXPECT_EQ((*made)->source, (AddonSource{"orders", backup.id}));
  EXPECT_EQ((*made)->engine, "none");
  // A reset of the fork goes back to the backup it came from.
  std::ofstream(VolumePath("orders-fork.img")) << std::string(kVolumeBytes, 'c');
  EXPECT_TRUE(HasCode(requests_->StartReset("orders-fork", "orders"), Code::kInvalidArgument));
  ASSERT_TRUE(IsOk(requests_->StartReset("orders-fork", "orders-fork")));
  ASSERT_TRUE(IsOk(RunOpenJob()));
  EXPECT_EQ(Content(VolumePath("orders-fork.img")), std::string(kVolumeBytes, 'a'));
}

TEST_F(BackupAndRestore, AForkThatDoesNotStartLeavesNoVolume) {
  ASSERT_EQ(MakeBackup().status, WorkStatus::kCompleted);
  Addon fork;
  fork.id = "orders-fork";
  config_.addon_hooks[fork.id].start = {"/bin/false"};
  ASSERT_TRUE(IsOk(requests_->ForkAddon(fork, "orders", "latest")));
  EXPECT_TRUE(Mentions(RunOpenJob(), "start hook"));
  EXPECT_FALSE(std::filesystem::exists(VolumePath("orders-fork.img")));
  EXPECT_TRUE(NoFacts());
}

TEST_F(DyingAgentDeathTest, DyingInAForkLeavesNoVolume) {
  ASSERT_EQ(MakeBackupInChild().status, WorkStatus::kCompleted);
  for (const char* phase : {"write", "mount", "start", "health"}) {
    SCOPED_TRACE(phase);
    Addon fork;
    fork.id = std::string("fork-") + phase;
    const auto restore = requests_->ForkAddon(fork, "orders", "latest");
    ASSERT_TRUE(IsOk(restore));
    const Job job = OpenJob();
    EXPECT_TRUE(IsOk(DieAndRecover(phase)));
    EXPECT_EQ(RestoreNow(restore->id).status, WorkStatus::kFailed);
    EXPECT_FALSE(std::filesystem::exists(VolumePath(fork.id + ".img")));
    EXPECT_TRUE(NoFacts());
    EndJob(job);
  }
}

TEST_F(BackupAndRestore, ABackupComesIntoAnotherAddon) {
  const Backup backup = MakeBackup();
  Addon other = addon_;
  other.id = "other";
  other.volume.path = "other.img";
  ASSERT_TRUE(IsOk(state_->InsertAddon(other)));
  std::ofstream(VolumePath("other.img")) << std::string(kVolumeBytes, 'o');
  ASSERT_TRUE(IsOk(requests_->StartRestore({.backup_id = backup.id, .target_addon_id = "other"})));
  ASSERT_TRUE(IsOk(RunOpenJob()));
  EXPECT_EQ(Content(VolumePath("other.img")), std::string(kVolumeBytes, 'a'));
}

}  // namespace
}  // namespace varve::agent
