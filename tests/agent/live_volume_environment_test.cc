// Whole flows on real file systems: a volume image with an ext4 inside, mounted by loop, on an XFS
// that makes reflink clones.
#include "agent/mounted_image.h"
#include "agent/work/backup_mount.h"
#include "agent/work_site.h"

namespace varve::agent {
namespace {

class LiveVolume : public WorkSite {
 protected:
  void SetUp() override {
    varve_binary_ = VARVE_BINARY;
    std::filesystem::create_directories(directory_.File("volumes"));
    xfs_ = std::make_unique<MountedImage>(
        directory_.File("xfs.img"), directory_.File("volumes"), kXfsSizeMin,
        std::vector<std::string>{"mkfs.xfs", "-q", "-m", "reflink=1"});
    if (!xfs_->refused().empty()) GTEST_SKIP() << xfs_->refused();
    WorkSite::SetUp();
    std::filesystem::remove(VolumePath());
    inside_ =
        std::make_unique<MountedImage>(VolumePath(), directory_.File("mnt"), uint64_t{32} << 20,
                                       std::vector<std::string>{"mkfs.ext4", "-q", "-F"});
    if (!inside_->refused().empty()) GTEST_SKIP() << inside_->refused();
    addon_.engine = "postgresql";
    addon_.volume.mountpoint = directory_.File("mnt");
    addon_.volume.capture = CaptureKind::kAuto;
    ASSERT_TRUE(IsOk(state_->UpdateAddon(addon_)));
    UseHooks();
    HookSet& hooks = config_.addon_hooks["orders"];
    hooks.freeze = Hook("freeze");
    hooks.thaw = Hook("thaw");
    Say("first");
  }

  void Say(const std::string& text) {
    std::ofstream(inside_->File("data")) << text;
    sync();
  }
  std::string Said() { return Content(directory_.File("mnt") + "/data"); }
  // Files beside the volume that are not its own: clones.
  size_t Clones() {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.File("volumes")))
      count += entry.path().filename().string().find(".varve-") != std::string::npos;
    return count;
  }

  std::unique_ptr<MountedImage> xfs_;  // unmounted last
  std::unique_ptr<MountedImage> inside_;
};

// Its tests fork, and the engine's threads do not go through a fork: gtest runs suites of that name
// before all others.
using DyingAgentOnLiveVolumeDeathTest = LiveVolume;

TEST_F(LiveVolume, AReflinkCloneIsTakenBetweenTheHooksAndRemoved) {
  const Backup backup = MakeBackup();
  EXPECT_EQ(backup.facts.capture, "reflink");
  EXPECT_GT(backup.facts.pause_ns, 0);
  EXPECT_EQ(HooksRun(), "freeze\nthaw\n");
  EXPECT_EQ(Clones(), 0u);
  EXPECT_TRUE(NoFacts());
}

TEST_F(LiveVolume, AFailingFreezeHookIsThawedAndFailsTheBackup) {
  MakeFail("freeze");
  ASSERT_TRUE(IsOk(requests_->StartBackup("orders", {})));
  EXPECT_TRUE(Mentions(RunOpenJob(), "freeze hook"));
  EXPECT_EQ(HooksRun(), "freeze\nthaw\n");
  EXPECT_EQ(Clones(), 0u);
  EXPECT_TRUE(NoFacts());
}

TEST_F(LiveVolume, AFrozenFileSystemIsReadAndThawed) {
  addon_.volume.capture = CaptureKind::kFrozen;
  ASSERT_TRUE(IsOk(state_->UpdateAddon(addon_)));
  const Backup backup = MakeBackup();
  EXPECT_EQ(backup.facts.capture, "frozen");
  EXPECT_EQ(backup.facts.consistency, "filesystem");
  Say("it can be written again");
  EXPECT_TRUE(NoFacts());
}

TEST_F(DyingAgentOnLiveVolumeDeathTest, DyingWhileTheCloneIsReadLeavesNoClone) {
  for (const char* phase : {"read", "release"}) {
    SCOPED_TRACE(phase);
    const auto backup = requests_->StartBackup("orders", {});
    ASSERT_TRUE(IsOk(backup));
    const Job job = OpenJob();
    EXPECT_TRUE(IsOk(DieAndRecover(phase)));
    EXPECT_TRUE(IsTerminal(BackupNow(backup->id).status));
    EXPECT_EQ(Clones(), 0u);
    EXPECT_TRUE(NoFacts());
    EndJob(job);
  }
}

TEST_F(LiveVolume, ARestoreInPlaceRemountsWhatWasThere) {
  const Backup backup = MakeBackup();
  Say("second");
  const auto restore = requests_->StartRestore({.backup_id = backup.id});
  ASSERT_TRUE(IsOk(restore));
  ASSERT_TRUE(IsOk(RunOpenJob()));
  EXPECT_EQ(Said(), "first");
  const RestoreRecord record = RestoreNow(restore->id);
  EXPECT_LT(record.bytes_written, record.bytes_total / 4);
  ASSERT_TRUE(IsOk(requests_->StartRestore({.backup_id = record.safety_backup_id})));
  ASSERT_TRUE(IsOk(RunOpenJob()));
  EXPECT_EQ(Said(), "second");
  EXPECT_EQ(Clones(), 0u);
}

TEST_F(DyingAgentOnLiveVolumeDeathTest, DyingWhileTheVolumeIsWrittenBringsTheMountBack) {
  const Backup backup = MakeBackupInChild();
  Say("second");
  for (const char* phase : {"unmount", "write", "mount", "start"}) {
    SCOPED_TRACE(phase);
    const auto restore = requests_->StartRestore({.backup_id = backup.id});
    ASSERT_TRUE(IsOk(restore));
    const Job job = OpenJob();
    EXPECT_TRUE(IsOk(DieAndRecover(phase)));
    EXPECT_EQ(RestoreNow(restore->id).status, WorkStatus::kFailed);
    EXPECT_EQ(Said(), "second");
    EXPECT_TRUE(NoFacts());
    EndJob(job);
  }
}

TEST_F(LiveVolume, AForkIsMountedAndSharesItsBlocks) {
  ASSERT_EQ(MakeBackup().status, WorkStatus::kCompleted);
  Say("second");
  Addon fork;
  fork.id = "orders-fork";
  fork.volume.mountpoint = directory_.File("fork");
  const auto restore = requests_->ForkAddon(fork, "orders", "latest");
  ASSERT_TRUE(IsOk(restore));
  ASSERT_TRUE(IsOk(RunOpenJob()));
  EXPECT_EQ(Content(directory_.File("fork") + "/data"), "first");
  EXPECT_EQ(Said(), "second");
  EXPECT_LT(RestoreNow(restore->id).bytes_written, RestoreNow(restore->id).bytes_total / 4);
  const auto made = state_->FindAddon("orders-fork");
  ASSERT_TRUE(IsOk(made));
  HandRunJob context(*state_, Job());
  EXPECT_TRUE(IsOk(HooksIn(*plant_, **made, context).Unmount()));
}

TEST_F(LiveVolume, ADrillStartsOnACopyAsksAndLeavesNothing) {
  HookSet& hooks = config_.addon_hooks["orders"];
  hooks.drill_start = {"/usr/bin/python3", "-c",
                       "import sys; open(sys.argv[1] + '/started', 'w').write(sys.argv[2])",
                       "{mountpoint}", "{port}"};
  hooks.drill_check = {"/usr/bin/python3", "-c",
                       "import sys; print('the data says', open(sys.argv[1] + '/data').read()); "
                       "assert open(sys.argv[1] + '/started').read() == sys.argv[2]",
                       "{mountpoint}", "{port}"};
  hooks.drill_stop = Hook("drill-stop");
  const Backup backup = MakeBackup();
  Say("second");
  ASSERT_TRUE(IsOk(requests_->StartVerify(backup.id, "restore")));
  ASSERT_TRUE(IsOk(RunOpenJob()));
  EXPECT_EQ(BackupNow(backup.id).verification->result, "passed");
  EXPECT_EQ(BackupNow(backup.id).verification->detail, "the data says first");
  EXPECT_TRUE(HooksRun().ends_with("drill-stop\n"));
  EXPECT_EQ(Said(), "second");
  EXPECT_TRUE(std::filesystem::is_empty(directory_.File("state/mounts")));
  EXPECT_TRUE(NoFacts());

  hooks.drill_check = {"/bin/false"};
  ASSERT_TRUE(IsOk(requests_->StartVerify(backup.id, "restore")));
  EXPECT_TRUE(Mentions(RunOpenJob(), "drill check hook"));
  EXPECT_EQ(BackupNow(backup.id).verification->result, "failed");
  EXPECT_TRUE(std::filesystem::is_empty(directory_.File("state/mounts")));
}

TEST_F(DyingAgentOnLiveVolumeDeathTest, DyingInADrillLeavesNoMount) {
  HookSet& hooks = config_.addon_hooks["orders"];
  hooks.drill_start = {"/bin/true"};
  hooks.drill_check = {"/bin/true"};
  const Backup backup = MakeBackupInChild();
  for (const char* phase : {"drill mount", "drill check", "drill stop"}) {
    SCOPED_TRACE(phase);
    const auto job = requests_->StartVerify(backup.id, "restore");
    ASSERT_TRUE(IsOk(job));
    EXPECT_TRUE(IsOk(DieAndRecover(phase)));
    EXPECT_FALSE(IsMountpoint(BackupMountpoint(*plant_, "drill-" + job->id)));
    EXPECT_FALSE(IsMountpoint(BackupMountpoint(*plant_, "drill-" + job->id + "-files")));
    EXPECT_TRUE(NoFacts());
    EndJob(*job);
  }
}

TEST_F(LiveVolume, AMountedBackupIsReadAndKeptFromDeletion) {
  const Backup backup = MakeBackup();
  ASSERT_TRUE(IsOk(requests_->StartVerify(backup.id, "mount")));
  ASSERT_TRUE(IsOk(RunOpenJob()));
  EXPECT_EQ(BackupNow(backup.id).verification->level, "mount");
  const auto path = requests_->MountBackup(backup.id, false);
  ASSERT_TRUE(IsOk(path));
  EXPECT_EQ(std::filesystem::file_size(*path), uint64_t{32} << 20);
  EXPECT_TRUE(HasCode(requests_->MountBackup(backup.id, false), Code::kAlreadyExists));
  EXPECT_TRUE(Mentions(requests_->StartDelete(backup.id), "mounted"));
  ASSERT_TRUE(IsOk(requests_->UnmountBackup(backup.id)));
  EXPECT_TRUE(HasCode(requests_->UnmountBackup(backup.id), Code::kNotFound));
  EXPECT_TRUE(NoFacts());
}

}  // namespace
}  // namespace varve::agent
