#include "agent/jobs/job_runner.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "sim/expect_status.h"
#include "sim/temporary_directory.h"

namespace varve::agent {
namespace {

// Bodies of this test wait here until the test lets them go, and say what they did.
class Stage {
 public:
  void Enter(const std::string& subject) {
    const std::lock_guard lock(mutex_);
    entered_.push_back(subject);
    changed_.notify_all();
  }
  void AwaitEntered(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return entered_.size() >= count; });
  }
  // Until the test opens the stage or the job is to stop.
  void AwaitOpen(const Progress& progress) {
    std::unique_lock lock(mutex_);
    while (!open_ && !progress.cancelled)
      changed_.wait_for(lock, std::chrono::milliseconds(2));
  }
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  std::vector<std::string> entered() {
    const std::lock_guard lock(mutex_);
    return entered_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> entered_;
  bool open_ = false;
};

// A backup that reads nothing: what it answers is up to the test.
class StagedBody final : public JobBody {
 public:
  StagedBody(Stage& stage, Status answer) : stage_(stage), answer_(std::move(answer)) {}

  Status Run(JobContext& context) override {
    Result<std::optional<Backup>> backup = context.state().FindBackup(context.job().subject_id);
    if (!backup.ok()) return backup.status();
    (**backup).status = WorkStatus::kInProgress;
    VARVE_RETURN_IF_ERROR(context.state().UpdateBackup(**backup));
    context.EnterPhase("read");
    stage_.Enter(context.job().subject_id);
    stage_.AwaitOpen(context.progress());
    if (context.progress().cancelled) return Cancelled("the backup was to stop");
    if (!answer_.ok()) return answer_;
    (**backup).status = WorkStatus::kCompleted;
    return context.state().UpdateBackup(**backup);
  }
  Status Recover(JobContext& context) override {
    stage_.Enter("recover " + context.job().subject_id);
    return {};
  }

 private:
  Stage& stage_;
  const Status answer_;
};

class JobRunnerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<std::unique_ptr<StateStore>> state = StateStore::Open(directory_.path() + "/state.db");
    ASSERT_TRUE(state.ok()) << state.status().message();
    state_ = *std::move(state);
  }
  std::unique_ptr<JobRunner> NewRunner(unsigned at_once, Status answer = {}) {
    auto runner = std::make_unique<JobRunner>(*state_, Clock::System(), at_once);
    runner->Register(JobKind::kBackup, std::make_unique<StagedBody>(stage_, std::move(answer)));
    return runner;
  }
  // A backup and its job, both scheduled. Their ids are `name` and "job-name".
  void Accept(JobRunner& runner, const std::string& name, const std::string& addon,
              const std::string& repository) {
    Backup backup;
    backup.id = name;
    backup.addon_id = addon;
    backup.name = name;
    backup.purpose = "manual";
    backup.repository = repository;
    Job job;
    job.id = "job-" + name;
    job.subject_id = name;
    job.addon_id = addon;
    job.repository = repository;
    const Status accepted = state_->Atomically([&]() -> Status {
      VARVE_RETURN_IF_ERROR(state_->InsertBackup(backup));
      return runner.Accept(job);
    });
    ASSERT_TRUE(accepted.ok()) << accepted.message();
    runner.Wake();
  }
  WorkStatus BackupStatus(const std::string& name) { return (**state_->FindBackup(name)).status; }
  Job JobOf(const std::string& name) { return **state_->FindJob("job-" + name); }
  // Until the job has ended; the runner says so to its followers.
  void AwaitEnd(const std::string& name) {
    while (!IsTerminal(JobOf(name).status))
      std::this_thread::yield();
  }

  TemporaryDirectory directory_;
  std::unique_ptr<StateStore> state_;
  Stage stage_;
};

TEST_F(JobRunnerTest, RunsWhatWasAcceptedInItsOrder) {
  const auto runner = NewRunner(1);
  stage_.Open();
  for (const char* name : {"first", "second", "third"})
    Accept(*runner, name, "orders", "default");
  ASSERT_TRUE(runner->Start().ok());
  AwaitEnd("third");
  EXPECT_EQ(stage_.entered(), (std::vector<std::string>{"first", "second", "third"}));
  EXPECT_EQ(BackupStatus("third"), WorkStatus::kCompleted);
  EXPECT_EQ(JobOf("third").status, WorkStatus::kCompleted);
}

TEST_F(JobRunnerTest, AnAddonAndARepositoryHaveOneJobAtATime) {
  const auto runner = NewRunner(4);
  Accept(*runner, "a1", "orders", "first");
  Accept(*runner, "a2", "orders", "second");    // waits for the addon
  Accept(*runner, "b1", "customers", "first");  // waits for the repository
  Accept(*runner, "c1", "stock", "third");
  ASSERT_TRUE(runner->Start().ok());
  stage_.AwaitEntered(2);
  EXPECT_EQ(JobOf("a2").status, WorkStatus::kScheduled);
  EXPECT_EQ(JobOf("b1").status, WorkStatus::kScheduled);
  stage_.Open();
  for (const char* name : {"a1", "a2", "b1", "c1"})
    AwaitEnd(name);
  EXPECT_EQ(stage_.entered().size(), 4u);
}

TEST_F(JobRunnerTest, AJobDoesNotOvertakeAnEarlierOneOfItsAddon) {
  const auto runner = NewRunner(2);
  Accept(*runner, "holds", "stock", "shared");
  Accept(*runner, "waits", "orders", "shared");
  Accept(*runner, "later", "orders", "other");
  ASSERT_TRUE(runner->Start().ok());
  stage_.AwaitEntered(1);
  stage_.Open();
  AwaitEnd("later");
  EXPECT_EQ(stage_.entered(), (std::vector<std::string>{"holds", "waits", "later"}));
}

TEST_F(JobRunnerTest, AbortingWhatWaitsEndsItAndItsBackup) {
  const auto runner = NewRunner(1);
  Accept(*runner, "waits", "orders", "default");
  ASSERT_TRUE(runner->Abort("job-waits").ok());
  EXPECT_EQ(JobOf("waits").status, WorkStatus::kAborted);
  EXPECT_EQ(BackupStatus("waits"), WorkStatus::kAborted);
  Accept(*runner, "next", "orders", "default");
  stage_.Open();
  ASSERT_TRUE(runner->Start().ok());
  AwaitEnd("next");
  EXPECT_EQ(stage_.entered(), (std::vector<std::string>{"next"}));
}

TEST_F(JobRunnerTest, AbortingWhatRunsReachesTheBody) {
  const auto runner = NewRunner(1);
  Accept(*runner, "runs", "orders", "default");
  ASSERT_TRUE(runner->Start().ok());
  stage_.AwaitEntered(1);
  EXPECT_TRUE(runner->ProgressOf("job-runs").has_value());
  ASSERT_TRUE(runner->Abort("job-runs").ok());
  AwaitEnd("runs");
  EXPECT_EQ(JobOf("runs").status, WorkStatus::kAborted);
  EXPECT_EQ(BackupStatus("runs"), WorkStatus::kAborted);
  const Status again = runner->Abort("job-runs");
  EXPECT_EQ(again.code(), Code::kBusy);
  EXPECT_NE(again.message().find("aborted"), std::string::npos) << again.message();
  EXPECT_EQ(runner->Abort("job-nobody").code(), Code::kNotFound);
}

TEST_F(JobRunnerTest, AFailureIsKeptWithItsReason) {
  const auto runner = NewRunner(1, Status(Code::kNoSpace, "pack 7f3a: no space left"));
  Accept(*runner, "fails", "orders", "default");
  stage_.Open();
  ASSERT_TRUE(runner->Start().ok());
  AwaitEnd("fails");
  EXPECT_EQ(JobOf("fails").error, "pack 7f3a: no space left");
  EXPECT_EQ((**state_->FindBackup("fails")).error, "pack 7f3a: no space left");
  EXPECT_EQ(BackupStatus("fails"), WorkStatus::kFailed);
  const Result<std::vector<LogLine>> log = state_->ReadLog("fails", {});
  ASSERT_TRUE(log.ok());
  ASSERT_FALSE(log->empty());
  EXPECT_EQ(log->back().level, "error");
}

TEST_F(JobRunnerTest, StoppingFailsWhatRunsAndKeepsWhatWaits) {
  auto runner = NewRunner(1);
  Accept(*runner, "runs", "orders", "default");
  Accept(*runner, "waits", "orders", "default");
  ASSERT_TRUE(runner->Start().ok());
  stage_.AwaitEntered(1);
  runner->Stop();
  EXPECT_EQ(BackupStatus("runs"), WorkStatus::kFailed);
  EXPECT_NE(JobOf("runs").error.find("stopped"), std::string::npos) << JobOf("runs").error;
  EXPECT_EQ(BackupStatus("waits"), WorkStatus::kScheduled);
  runner = NewRunner(1);
  stage_.Open();
  ASSERT_TRUE(runner->Start().ok());
  AwaitEnd("waits");
  EXPECT_EQ(BackupStatus("waits"), WorkStatus::kCompleted);
}

TEST_F(JobRunnerTest, WhatRanWhenTheAgentEndedIsRecoveredBeforeAnythingRuns) {
  auto runner = NewRunner(1);
  Accept(*runner, "ran", "orders", "default");
  Accept(*runner, "was-aborting", "stock", "default");
  Accept(*runner, "waits", "orders", "default");
  for (const auto& [name, status] : {std::pair("ran", WorkStatus::kInProgress),
                                     std::pair("was-aborting", WorkStatus::kAborting)}) {
    Job job = JobOf(name);
    job.status = WorkStatus::kInProgress;
    ASSERT_TRUE(state_->UpdateJob(job).ok());
    job.status = status;
    ASSERT_TRUE(state_->UpdateJob(job).ok());
  }
  Backup backup = **state_->FindBackup("ran");
  backup.status = WorkStatus::kInProgress;
  ASSERT_TRUE(state_->UpdateBackup(backup).ok());
  stage_.Open();
  ASSERT_TRUE(runner->Start().ok());
  AwaitEnd("waits");
  EXPECT_EQ(stage_.entered(),
            (std::vector<std::string>{"recover ran", "recover was-aborting", "waits"}));
  EXPECT_EQ(BackupStatus("ran"), WorkStatus::kFailed);
  EXPECT_EQ(JobOf("ran").status, WorkStatus::kFailed);
  EXPECT_EQ(JobOf("was-aborting").status, WorkStatus::kAborted);
  EXPECT_EQ(BackupStatus("was-aborting"), WorkStatus::kAborted);
}

TEST_F(JobRunnerTest, FollowersSeeEveryStepInOrder) {
  const auto runner = NewRunner(1);
  std::mutex mutex;
  std::vector<std::string> seen;
  const uint64_t follower = runner->events().Follow([&](const Event& event) {
    const std::lock_guard lock(mutex);
    seen.push_back(event.type + " " + event.text);
  });
  Accept(*runner, "one", "orders", "default");
  stage_.Open();
  ASSERT_TRUE(runner->Start().ok());
  AwaitEnd("one");
  runner->Stop();
  runner->events().Unfollow(follower);
  EXPECT_EQ(seen, (std::vector<std::string>{"job in-progress", "backup in-progress", "phase read",
                                            "job completed", "backup completed"}));
}

}  // namespace
}  // namespace varve::agent
