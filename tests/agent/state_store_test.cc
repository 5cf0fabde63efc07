#include "agent/state/state_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "agent/sample_records.h"
#include "sim/expect_status.h"
#include "sim/temporary_directory.h"

namespace varve::agent {
namespace {

class StateStoreTest : public testing::Test {
 protected:
  std::string Path() const { return directory_.File("agent.sqlite"); }
  void Open() {
    store_.reset();
    auto opened = StateStore::Open(Path());
    ASSERT_TRUE(IsOk(opened));
    store_ = *std::move(opened);
  }
  std::vector<std::string> Ids(const BackupFilter& filter, uint32_t limit) {
    std::vector<std::string> ids;
    PageRequest request{.limit = limit};
    do {
      auto page = store_->ListBackups(filter, request);
      EXPECT_TRUE(IsOk(page));
      if (!page.ok()) break;
      for (const Backup& backup : page->rows)
        ids.push_back(backup.id);
      request.cursor = page->next_cursor;
    } while (!request.cursor.empty());
    return ids;
  }

  TemporaryDirectory directory_;
  std::unique_ptr<StateStore> store_;
};

TEST_F(StateStoreTest, WhatWasWrittenIsThereAfterReopening) {
  Open();
  Addon addon = SampleAddon("orders-db");
  addon.source = AddonSource{"origin", "b1"};
  ASSERT_TRUE(IsOk(store_->InsertAddon(addon)));
  Backup backup = SampleBackup("b1", "orders-db", 5, WorkStatus::kInProgress);
  backup.schedule_ids = {"s1", "s2"};
  backup.hold = Hold{"audit", "case 7 \xff", 3};
  backup.expires_ns = 9;
  backup.verification = Verification{"restore", "passed", "42", 8};
  backup.facts.bytes_stored = 1ull << 40;
  ASSERT_TRUE(IsOk(store_->InsertBackup(backup)));
  Open();
  auto found_addon = store_->FindAddon("orders-db");
  ASSERT_TRUE(IsOk(found_addon));
  EXPECT_EQ(**found_addon, addon);
  auto found = store_->FindBackup("b1");
  ASSERT_TRUE(IsOk(found));
  EXPECT_EQ((*found)->schedule_ids, backup.schedule_ids);
  EXPECT_EQ((*found)->expires_ns, 9);
  EXPECT_EQ((*found)->hold->name, "audit");
  EXPECT_EQ((*found)->verification->detail, "42");
  EXPECT_EQ((*found)->facts.bytes_stored, 1ull << 40);
  EXPECT_TRUE(HasCode(store_->InsertBackup(backup), Code::kAlreadyExists));
  EXPECT_TRUE(HasCode(store_->InsertAddon(addon), Code::kAlreadyExists));
  EXPECT_TRUE(HasCode(store_->DeleteBackup("b2"), Code::kNotFound));
}

TEST_F(StateStoreTest, OnlyTheWaysBetweenStatesThatExistAreTaken) {
  Open();
  int number = 0;
  for (int from = 0; from < 7; ++from) {
    for (int to = 0; to < 7; ++to) {
      ++number;
      Backup backup =
          SampleBackup("b" + std::to_string(number), "a", number, static_cast<WorkStatus>(from));
      ASSERT_TRUE(IsOk(store_->InsertBackup(backup)));
      backup.status = static_cast<WorkStatus>(to);
      const bool may = from == to || MayBecome(static_cast<WorkStatus>(from), backup.status);
      EXPECT_TRUE(HasCode(store_->UpdateBackup(backup), may ? Code::kOk : Code::kInvalidArgument));
      EXPECT_FALSE(may && from != to && IsTerminal(static_cast<WorkStatus>(from)));
    }
  }
}

TEST_F(StateStoreTest, PagesHoldEveryBackupOnceInOrder) {
  Open();
  std::vector<std::string> expected;
  for (int i = 0; i < 25; ++i) {
    const std::string id = "b" + std::to_string(i);
    Backup backup = SampleBackup(id, i % 5 == 0 ? "other" : "a", i / 3);  // equal times, too
    if (i % 2 == 0) backup.schedule_ids = {"s1"};
    ASSERT_TRUE(IsOk(store_->InsertBackup(backup)));
    expected.insert(expected.begin(), id);
  }
  EXPECT_EQ(Ids({}, 4), expected);
  std::reverse(expected.begin(), expected.end());
  EXPECT_EQ(Ids({.oldest_first = true}, 7), expected);
  EXPECT_EQ(Ids({.addon_id = "other"}, 2),
            (std::vector<std::string>{"b20", "b15", "b10", "b5", "b0"}));
  EXPECT_EQ(Ids({.schedule_id = "s1"}, 3).size(), 13u);
  EXPECT_EQ(Ids({.search = "OF B24"}, 3), std::vector<std::string>{"b24"});
  EXPECT_TRUE(HasCode(store_->ListBackups({}, {.cursor = "x'; --"}), Code::kInvalidArgument));
}

TEST_F(StateStoreTest, OnlyWhatMayExpireIsListedAsExpired) {
  Open();
  for (const std::string id : {"due", "later", "held", "retained", "running", "manual"}) {
    Backup backup = SampleBackup(id, "a", 1);
    if (id != "manual") backup.expires_ns = id == "later" ? 11 : 10;
    if (id == "held") backup.hold = Hold{};
    backup.retained = id == "retained";
    if (id == "running") backup.status = WorkStatus::kInProgress;
    ASSERT_TRUE(IsOk(store_->InsertBackup(backup)));
  }
  auto expired = store_->ListExpired(10, {});
  ASSERT_TRUE(IsOk(expired));
  ASSERT_EQ(expired->rows.size(), 1u);
  EXPECT_EQ(expired->rows[0].id, "due");
}

TEST_F(StateStoreTest, AFailedTransactionLeavesNothing) {
  Open();
  const Status failed = store_->Atomically([&]() -> Status {
    VARVE_RETURN_IF_ERROR(store_->InsertAddon(SampleAddon("kept-not")));
    return Busy("no");
  });
  EXPECT_TRUE(HasCode(failed, Code::kBusy));
  EXPECT_FALSE((*store_->FindAddon("kept-not")).has_value());
  // The inner one is undone alone when the outer goes on.
  ASSERT_TRUE(IsOk(store_->Atomically([&]() -> Status {
    EXPECT_TRUE(HasCode(store_->Atomically([&]() -> Status {
      VARVE_RETURN_IF_ERROR(store_->InsertAddon(SampleAddon("inner")));
      return Busy("no");
    }),
                        Code::kBusy));
    return store_->InsertAddon(SampleAddon("outer"));
  })));
  EXPECT_FALSE((*store_->FindAddon("inner")).has_value());
  EXPECT_TRUE((*store_->FindAddon("outer")).has_value());
}

TEST_F(StateStoreTest, ASlotIsTakenOnce) {
  Open();
  const UtcMinute slot{std::chrono::minutes(100)};
  EXPECT_TRUE(*store_->TakeSlot("s1", slot));
  EXPECT_TRUE(*store_->TakeSlot("s2", slot));
  Open();
  EXPECT_FALSE(*store_->TakeSlot("s1", slot));
}

TEST_F(StateStoreTest, LogLinesAreNumberedAndFiltered) {
  Open();
  for (int i = 1; i <= 5; ++i) {
    auto line = store_->AppendLog("b1", i, "info", "line " + std::to_string(i));
    ASSERT_TRUE(IsOk(line));
    EXPECT_EQ(line->number, static_cast<uint64_t>(i));
  }
  EXPECT_EQ(store_->ReadLog("b1", {.after_number = 3})->size(), 2u);
  EXPECT_EQ(store_->ReadLog("b1", {.contains = "2"})->at(0).at_ns, 2);
  EXPECT_EQ(store_->ReadLog("b1", {.newest_first = true, .limit = 1})->at(0).number, 5u);
  EXPECT_TRUE(store_->ReadLog("b2", {})->empty());
}

TEST_F(StateStoreTest, TheFileIsForItsOwnerAloneAndForOneAgent) {
  std::ofstream(Path()).close();
  chmod(Path().c_str(), 0666);
  Open();
  struct stat facts;
  ASSERT_EQ(stat(Path().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
  EXPECT_TRUE(HasCode(StateStore::Open(Path()), Code::kBusy));
}

TEST_F(StateStoreTest, DamageIsTold) {
  Open();
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(IsOk(store_->InsertBackup(SampleBackup("b" + std::to_string(i), "a", i))));
  }
  store_.reset();
  std::fstream file(Path(), std::ios::in | std::ios::out | std::ios::binary);
  for (int page = 2; page < 20; ++page) {
    file.seekp(page * 4096);
    file << std::string(64, '\x5a');
  }
  file.close();
  EXPECT_TRUE(HasCode(StateStore::Open(Path()), Code::kCorruption));
  std::ofstream(Path(), std::ios::trunc) << std::string(8192, 'x');
  const auto opened = StateStore::Open(Path());
  EXPECT_TRUE(HasCode(opened, Code::kCorruption));
  EXPECT_TRUE(Mentions(opened, Path()));
}

// The user_version of a database stands in bytes 60 to 63 of its file.
TEST_F(StateStoreTest, ANewerVersionIsRefused) {
  Open();
  store_.reset();
  std::fstream file(Path(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(60);
  file << std::string("\0\0\0\x63", 4);
  file.close();
  const auto opened = StateStore::Open(Path());
  EXPECT_TRUE(HasCode(opened, Code::kUnsupported));
  EXPECT_TRUE(Mentions(opened, "version 99"));
}

// What a power cut leaves at any moment is the file and its log as they were then: after every step
// both are copied, opened, and must know exactly the steps that were done.
TEST_F(StateStoreTest, ACopyTakenAfterAnyStepKnowsExactlyThatStep) {
  Open();
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(IsOk(store_->InsertBackup(SampleBackup("b" + std::to_string(i), "a", i))));
    const std::string copy = directory_.File("copy.sqlite");
    for (const std::string end : {"", "-wal"}) {
      std::filesystem::copy_file(Path() + end, copy + end,
                                 std::filesystem::copy_options::overwrite_existing);
    }
    auto opened = StateStore::Open(copy);
    ASSERT_TRUE(IsOk(opened));
    EXPECT_EQ(*(*opened)->CountBackups({}), static_cast<uint64_t>(i + 1));
  }
}

TEST_F(StateStoreTest, HistoryIsPrunedOnlyOfWhatIsGone) {
  Open();
  ASSERT_TRUE(IsOk(store_->InsertBackup(SampleBackup("b1", "a", 1))));
  ASSERT_TRUE(IsOk(store_->AppendLog("b1", 1, "info", "stays")));
  ASSERT_TRUE(IsOk(store_->AppendLog("gone", 1, "info", "goes")));
  ASSERT_TRUE(IsOk(store_->KeepIdempotent("k", "answer", 1)));
  ASSERT_TRUE(IsOk(store_->PruneHistory(100 * kDayNs, 10)));
  EXPECT_EQ(store_->ReadLog("b1", {})->size(), 1u);
  EXPECT_TRUE(store_->ReadLog("gone", {})->empty());
  EXPECT_FALSE((*store_->FindIdempotent("k")).has_value());
}

TEST(ExpiryAfterEdit, FollowsLivingSchedulesAndNeverShortensWhatADeletedOneFroze) {
  BackupSchedule daily;
  daily.id = "daily";
  daily.rule.retention_days = 3;
  Backup backup = SampleBackup("b", "a", 10);
  backup.schedule_ids = {"daily"};
  EXPECT_EQ(ExpiryAfterEdit(backup, {daily}), std::nullopt);  // it was to stay
  backup.expires_ns = 10 + 7 * kDayNs;
  EXPECT_EQ(ExpiryAfterEdit(backup, {daily}), 10 + 3 * kDayNs);
  backup.schedule_ids = {"daily", "deleted"};
  EXPECT_EQ(ExpiryAfterEdit(backup, {daily}), 10 + 7 * kDayNs);
  EXPECT_EQ(ExpiryAfterEdit(backup, {}), std::nullopt);
}

}  // namespace
}  // namespace varve::agent
