// What may be asked of addons and backups, and what is refused with which word.
#include "agent/model/identifier.h"
#include "agent/work/snapshot_work.h"
#include "agent/work_site.h"

namespace varve::agent {
namespace {

using Requests = WorkSite;

TEST_F(Requests, HostileAddonsAreRefused) {
  const auto refuses = [&](const std::function<void(Addon&)>& change, const std::string& word) {
    Addon addon = addon_;
    addon.id = "new";
    change(addon);
    const Status status = requests_->RegisterAddon(addon);
    EXPECT_FALSE(status.ok()) << word;
    EXPECT_TRUE(Mentions(status, word));
  };
  for (const char* id : {"", "..", "-x", "A", "a/b", "a b", "a\n", "$(id)", "orders\xff"})
    refuses([&](Addon& addon) { addon.id = id; }, "id");
  refuses([](Addon& addon) { addon.engine = "oracle"; }, "oracle");
  refuses([](Addon& addon) { addon.repository = "other"; }, "other");
  for (const char* path : {"", ".", "..", "a/", "../x.img", "a/../../x.img"})
    refuses([&](Addon& addon) { addon.volume.path = path; }, "");
  refuses([](Addon& addon) { addon.volume.mountpoint = "/"; }, "mountpoint");
  refuses([](Addon& addon) { addon.volume.mountpoint = "mnt"; }, "mountpoint");
  refuses([](Addon& addon) { addon.volume.mountpoint = "/mnt/../etc"; }, "mountpoint");
  EXPECT_TRUE(IsOk(state_->ListOpenJobs()));
  EXPECT_TRUE(state_->ListOpenJobs()->empty());
}

TEST_F(Requests, RelativeVolumesDoNotLeaveTheirDirectory) {
  std::filesystem::create_directories(VolumePath("inside"));
  std::filesystem::create_directory_symlink("/etc", VolumePath("link"));
  Addon addon = addon_;
  addon.volume.path = "link/passwd";
  EXPECT_TRUE(HasCode(WithVolumePath(config_, addon), Code::kDenied));
  addon.volume.path = "inside/../../x/y.img";
  EXPECT_FALSE(WithVolumePath(config_, addon).ok());
  addon.volume.path = "inside/y.img";
  const auto placed = WithVolumePath(config_, addon);
  ASSERT_TRUE(IsOk(placed));
  EXPECT_EQ(placed->volume.path, VolumePath("inside/y.img"));
  addon.volume.path = "/srv/y.img";
  EXPECT_EQ(WithVolumePath(config_, addon)->volume.path, "/srv/y.img");
}

TEST_F(Requests, RegisteringTakesTheVolumeAsProvisioned) {
  Addon addon = addon_;
  addon.id = "second";
  ASSERT_TRUE(IsOk(requests_->RegisterAddon(addon)));
  ASSERT_TRUE(IsOk(RunOpenJob()));
  const auto made = state_->FindAddon("second");
  ASSERT_TRUE(IsOk(made));
  const Backup backup = BackupNow((*made)->provisioned_backup_id);
  EXPECT_EQ(backup.status, WorkStatus::kCompleted);
  EXPECT_EQ(backup.purpose, "provisioned");
  EXPECT_TRUE(Mentions(requests_->StartDelete(backup.id), "reset"));
  EXPECT_TRUE(HasCode(requests_->RegisterAddon(addon), Code::kAlreadyExists));
  WriteVolume('z');
  const auto reset = requests_->StartReset("second", "second");
  ASSERT_TRUE(IsOk(reset));
  EXPECT_EQ(reset->purpose, "reset");
  ASSERT_TRUE(IsOk(RunOpenJob()));
  EXPECT_TRUE(VolumeIs('a'));
}

TEST_F(Requests, DumpsAreNotSupportedAndSaySo) {
  BackupRequest request;
  request.type = BackupType::kDump;
  const auto backup = requests_->StartBackup("orders", request);
  ASSERT_TRUE(IsOk(backup));
  EXPECT_EQ(BackupNow(backup->id).status, WorkStatus::kNotSupported);
  EXPECT_NE(BackupNow(backup->id).error.find("no dumps"), std::string::npos);
  EXPECT_TRUE(state_->ListOpenJobs()->empty());
  EXPECT_TRUE(HasCode(requests_->StartRestore({.backup_id = backup->id}), Code::kUnsupported));
}

TEST_F(Requests, NamesAndLevelsAreChecked) {
  EXPECT_TRUE(HasCode(requests_->StartBackup("nobody", {}), Code::kNotFound));
  EXPECT_TRUE(HasCode(requests_->StartBackup("orders", {.name = "x"}), Code::kInvalidArgument));
  EXPECT_TRUE(
      HasCode(requests_->StartBackup("orders", {.name = "a\nb c"}), Code::kInvalidArgument));
  EXPECT_TRUE(HasCode(requests_->StartBackup("orders", {.level = 99}), Code::kInvalidArgument));
  const auto backup = requests_->StartBackup("orders", {});
  ASSERT_TRUE(IsOk(backup));
  EXPECT_TRUE(backup->name.starts_with("backup-2"));
  EXPECT_TRUE(IsOk(CheckBackupName(backup->name)));
  EXPECT_TRUE(HasCode(requests_->StartRestore({.backup_id = backup->id}), Code::kBusy));
  EXPECT_TRUE(HasCode(requests_->StartVerify(backup->id, "checksum"), Code::kBusy));
  EXPECT_TRUE(HasCode(requests_->StartDelete(backup->id), Code::kBusy));
  EXPECT_TRUE(HasCode(requests_->RemoveAddon("orders", false), Code::kBusy));
}

TEST_F(Requests, HeldAndUsedBackupsAreNotDeleted) {
  const Backup backup = MakeBackup();
  ASSERT_TRUE(IsOk(requests_->PutHold(backup.id, "case 17", "asked by the court")));
  EXPECT_TRUE(Mentions(requests_->StartDelete(backup.id), "case 17"));
  EXPECT_EQ(requests_->PlanDelete(backup.id)->refusal, "it is held: case 17");
  EXPECT_TRUE(HasCode(requests_->RemoveAddon("orders", true), Code::kBusy));
  EXPECT_TRUE(IsOk(state_->FindAddon("orders")));
  EXPECT_TRUE(state_->FindAddon("orders")->has_value());
  ASSERT_TRUE(IsOk(requests_->RemoveHold(backup.id)));
  EXPECT_TRUE(HasCode(requests_->RemoveHold(backup.id), Code::kNotFound));
  const auto restore = requests_->StartRestore({.backup_id = backup.id});
  ASSERT_TRUE(IsOk(restore));
  EXPECT_TRUE(HasCode(requests_->StartDelete(backup.id), Code::kBusy));
  ASSERT_TRUE(IsOk(RunOpenJob()));
  ASSERT_TRUE(IsOk(requests_->StartDelete(backup.id)));
  EXPECT_TRUE(Mentions(requests_->StartRestore({.backup_id = backup.id}), "being deleted"));
  ASSERT_TRUE(IsOk(RunOpenJob()));
  EXPECT_FALSE(state_->FindBackup(backup.id)->has_value());
  auto engine = Engine::Open(directory_.File("repository"), OpenMode::kRead, "test", nullptr);
  ASSERT_TRUE(IsOk(engine));
  EXPECT_TRUE(HasCode((*engine)->Find(backup.snapshot_id), Code::kNotFound));
}

TEST_F(Requests, OnlyScheduledBackupsAreRetained) {
  const Backup manual = MakeBackup();
  EXPECT_TRUE(HasCode(requests_->Retain(manual.id, true), Code::kBusy));
  EXPECT_TRUE(HasCode(requests_->AbortBackup(manual.id), Code::kBusy));
  EXPECT_TRUE(HasCode(requests_->Retain("nobody", true), Code::kNotFound));
}

TEST_F(Requests, ChangedRetentionMovesTheExpiryOfWhatIsThere) {
  ScheduleRule daily;
  daily.minutes = {0};
  daily.hours = {3};
  daily.retention_days = 10;
  const auto schedule = requests_->AddSchedule("orders", BackupType::kSnapshot, daily);
  ASSERT_TRUE(IsOk(schedule));
  EXPECT_TRUE(HasCode(requests_->AddSchedule("orders", BackupType::kSnapshot, daily), Code::kBusy));
  EXPECT_TRUE(
      HasCode(requests_->AddSchedule("none", BackupType::kSnapshot, daily), Code::kNotFound));
  const auto backup = requests_->StartBackup("orders", {.schedule_ids = {schedule->id}});
  ASSERT_TRUE(IsOk(backup));
  constexpr int64_t kDay = int64_t{86'400} * 1'000'000'000;
  ASSERT_TRUE(IsOk(requests_->SetRetention(schedule->id, 20)));
  EXPECT_EQ(BackupNow(backup->id).expires_ns, backup->created_ns + 20 * kDay);
  EXPECT_TRUE(HasCode(requests_->SetRetention(schedule->id, 61), Code::kInvalidArgument));
  EXPECT_EQ(BackupNow(backup->id).expires_ns, backup->created_ns + 20 * kDay);
  ASSERT_TRUE(IsOk(RunOpenJob()));
  EXPECT_TRUE(IsOk(requests_->Retain(backup->id, true)));
  ASSERT_TRUE(IsOk(requests_->RemoveSchedule(schedule->id)));
  EXPECT_EQ(BackupNow(backup->id).expires_ns, backup->created_ns + 20 * kDay);
}

TEST_F(Requests, ChecksumsProveABackupAndFindItsDamage) {
  const Backup backup = MakeBackup();
  ASSERT_TRUE(IsOk(requests_->StartVerify(backup.id, "checksum")));
  ASSERT_TRUE(IsOk(RunOpenJob()));
  EXPECT_EQ(BackupNow(backup.id).verification->result, "passed");
  EXPECT_TRUE(HasCode(requests_->StartVerify(backup.id, "soul"), Code::kInvalidArgument));
  EXPECT_TRUE(HasCode(requests_->StartVerify(backup.id, "restore"), Code::kUnsupported));
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(directory_.File("repository"))) {
    if (!entry.is_regular_file() || entry.path().string().find("/packs/") == std::string::npos) {
      continue;
    }
    std::fstream pack(entry.path(), std::ios::binary | std::ios::in | std::ios::out);
    pack.seekp(static_cast<std::streamoff>(entry.file_size() / 2));
    pack.write("damage!!", 8);
  }
  ASSERT_TRUE(IsOk(requests_->StartVerify(backup.id, "checksum")));
  EXPECT_FALSE(RunOpenJob().ok());
  EXPECT_EQ(BackupNow(backup.id).verification->result, "failed");
  EXPECT_FALSE(BackupNow(backup.id).verification->detail.empty());
}

TEST_F(Requests, MaintenanceRunsAndSaysWhatItDid) {
  ASSERT_EQ(MakeBackup().status, WorkStatus::kCompleted);
  ASSERT_TRUE(IsOk(requests_->StartGc("default")));
  ASSERT_TRUE(IsOk(RunOpenJob()));
  EXPECT_NE(LogOf("default").find("unlinked"), std::string::npos);
  ASSERT_TRUE(IsOk(requests_->StartScrub("default")));
  ASSERT_TRUE(IsOk(RunOpenJob()));
  EXPECT_NE(LogOf("default").find("looked at"), std::string::npos);
  EXPECT_TRUE(HasCode(requests_->StartGc("other"), Code::kNotFound));
}

TEST_F(Requests, DifferencesAreRangesOfTheVolume) {
  const Backup first = MakeBackup();
  std::fstream(VolumePath(), std::ios::binary | std::ios::in | std::ios::out).write("x", 1);
  const Backup second = MakeBackup();
  const auto extents = requests_->Diff(second.id, first.id);
  ASSERT_TRUE(IsOk(extents));
  ASSERT_EQ(extents->size(), 1u);
  EXPECT_EQ((*extents)[0].begin, 0u);
  EXPECT_EQ((*extents)[0].end, 64u << 10);
}

TEST_F(Requests, AnEmptyAgentAdoptsWhatARepositoryHolds) {
  const Backup backup = MakeBackup();
  ASSERT_TRUE(IsOk(state_->DeleteBackup(backup.id)));
  ASSERT_TRUE(IsOk(state_->DeleteAddon("orders")));
  const auto adopted = requests_->Adopt("default");
  ASSERT_TRUE(IsOk(adopted));
  EXPECT_EQ(*adopted, 1u);
  EXPECT_EQ(*requests_->Adopt("default"), 0u);
  const Backup again = BackupNow(backup.id);
  EXPECT_EQ(again.name, backup.name);
  EXPECT_EQ(again.snapshot_id, backup.snapshot_id);
  EXPECT_EQ(again.status, WorkStatus::kCompleted);
  WriteVolume('b');
  ASSERT_TRUE(IsOk(requests_->StartRestore({.backup_id = backup.id, .safety_snapshot = false})));
  ASSERT_TRUE(IsOk(RunOpenJob()));
  EXPECT_TRUE(VolumeIs('a'));
}

}  // namespace
}  // namespace varve::agent
