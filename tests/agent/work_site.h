// A node in a temporary directory: a repository, a state, an addon with a plain volume, hooks that
// are small programs, and jobs run by hand, one at a time, on this thread.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "agent/work/backup_job.h"
#include "agent/work/fork_job.h"
#include "agent/work/maintenance_jobs.h"
#include "agent/work/restore_job.h"
#include "agent/work/verify_job.h"
#include "agent/work/work_requests.h"
#include "sim/expect_status.h"
#include "sim/temporary_directory.h"

namespace varve::agent {

// A job as its body sees it, without a runner.
class HandRunJob : public JobContext {
 public:
  HandRunJob(StateStore& state, Job job) : state_(state), job_(std::move(job)) {}

  const Job& job() const override { return job_; }
  StateStore& state() override { return state_; }
  const Clock& clock() const override { return Clock::System(); }
  Progress& progress() override { return progress_; }
  void EnterPhase(const std::string& phase) override {
    phases.push_back(phase);
    if (phase == abort_in) progress_.cancelled = true;
    // As if the process ended here: nothing that follows is carried out.
    if (phase == die_in) _exit(42);
  }
  void Log(const std::string& level, const std::string& text) override {
    ASSERT_TRUE(IsOk(state_.AppendLog(job_.subject_id, 0, level, text)));
  }

  std::vector<std::string> phases;
  std::string abort_in;
  std::string die_in;

 private:
  StateStore& state_;
  const Job job_;
  Progress progress_;
};

class WorkSite : public testing::Test {
 protected:
  static constexpr size_t kVolumeBytes = 1 << 20;

  void SetUp() override {
    config_.state_directory = directory_.File("state");
    config_.volumes_directory = directory_.File("volumes");
    config_.repositories = {{"default", directory_.File("repository"), ""}};
    std::filesystem::create_directories(config_.state_directory);
    std::filesystem::create_directories(config_.volumes_directory);
    ASSERT_TRUE(IsOk(Engine::Init(directory_.File("repository"), {})));
    OpenState();
    addon_.id = "orders";
    addon_.engine = "none";
    addon_.volume.path = "orders.img";
    addon_.volume.capture = CaptureKind::kPlain;
    addon_.repository = "default";
    WriteVolume('a');
    ASSERT_TRUE(IsOk(state_->InsertAddon(addon_)));
  }

  void OpenState() {
    auto state = StateStore::Open(directory_.File("state/agent.sqlite"));
    ASSERT_TRUE(IsOk(state));
    state_ = *std::move(state);
    plant_ =
        std::make_unique<WorkPlant>(WorkPlant{config_, *state_, Clock::System(), varve_binary_});
    // Never started: jobs are run by hand.
    runner_ = std::make_unique<JobRunner>(*state_, Clock::System(), 1);
    RegisterJobBodies(*runner_, *plant_);
    requests_ = std::make_unique<WorkRequests>(*plant_, *runner_, Random::System());
  }
  void CloseState() {
    requests_.reset();
    runner_.reset();
    plant_.reset();
    state_.reset();
  }

  std::string VolumePath(const std::string& name = "orders.img") const {
    return config_.volumes_directory + "/" + name;
  }
  void WriteVolume(char letter) {
    std::ofstream(VolumePath(), std::ios::binary) << std::string(kVolumeBytes, letter);
  }
  static std::string Content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  bool VolumeIs(char letter) const {
    return Content(VolumePath()) == std::string(kVolumeBytes, letter);
  }

  // A hook that appends `word` to the file "hooks", prints it, and ends with what the file
  // "fail-WORD" says, if there is one.
  std::vector<std::string> Hook(const std::string& word) {
    return {"/usr/bin/python3", "-c",
            "import os, sys\n"
            "directory, word = sys.argv[1:3]\n"
            "open(directory + '/hooks', 'a').write(word + '\\n')\n"
            "print('hook', word, os.environ['VARVE_ADDON'])\n"
            "sys.exit(os.path.exists(directory + '/fail-' + word))",
            directory_.path(), word};
  }
  void UseHooks() {
    HookSet& hooks = config_.addon_hooks["orders"];
    hooks.start = Hook("start");
    hooks.stop = Hook("stop");
    hooks.health = Hook("health");
    hooks.timeout = std::chrono::seconds(1);
  }
  void MakeFail(const std::string& word) { std::ofstream(directory_.File("fail-" + word)) << "1"; }
  void MakeWork(const std::string& word) {
    std::filesystem::remove(directory_.File("fail-" + word));
  }
  std::string HooksRun() { return Content(directory_.File("hooks")); }

  std::unique_ptr<JobBody> BodyOf(JobKind kind) {
    switch (kind) {
      case JobKind::kBackup:
        return std::make_unique<BackupJob>(*plant_);
      case JobKind::kRestore:
        return std::make_unique<RestoreJob>(*plant_);
      case JobKind::kFork:
        return std::make_unique<ForkJob>(*plant_);
      case JobKind::kVerify:
        return std::make_unique<VerifyJob>(*plant_);
      case JobKind::kDelete:
        return std::make_unique<DeleteJob>(*plant_);
      case JobKind::kGc:
        return std::make_unique<GcJob>(*plant_);
      case JobKind::kScrub:
        return std::make_unique<ScrubJob>(*plant_);
    }
    return nullptr;
  }
  Job OpenJob() {
    const auto jobs = state_->ListOpenJobs();
    EXPECT_TRUE(IsOk(jobs));
    EXPECT_EQ(jobs->size(), 1u);
    return jobs->empty() ? Job() : jobs->front();
  }
  void EndJob(Job job) {
    for (const WorkStatus status : {WorkStatus::kInProgress, WorkStatus::kCompleted}) {
      job.status = status;
      ASSERT_TRUE(IsOk(state_->UpdateJob(job)));
    }
  }
  // Runs the one open job to its end.
  Status RunOpenJob(const std::string& abort_in = "") {
    const Job job = OpenJob();
    HandRunJob context(*state_, job);
    context.abort_in = abort_in;
    const Status status = BodyOf(job.kind)->Run(context);
    phases_ = context.phases;
    EndJob(job);
    return status;
  }
  // Runs `body` in a process of its own, as an agent's life: with the state as it is, and what it
  // changed is the state after. Its exit code. The engine's threads do not go through a fork, so a
  // test that uses this opens no repository by itself.
  int InChild(const std::function<int()>& body) {
    CloseState();
    const pid_t process = fork();
    if (process == 0) {
      OpenState();
      _exit(body());
    }
    int how = 0;
    waitpid(process, &how, 0);
    OpenState();
    return WIFEXITED(how) ? WEXITSTATUS(how) : 128;
  }
  // Runs it in a process that dies when it enters the phase; another one recovers as a new agent
  // does.
  Status DieAndRecover(const std::string& phase) {
    const Job job = OpenJob();
    Job running = job;
    running.status = WorkStatus::kInProgress;
    EXPECT_TRUE(IsOk(state_->UpdateJob(running)));
    const int died = InChild([&] {
      HandRunJob context(*state_, job);
      context.die_in = phase;
      const Status status = BodyOf(job.kind)->Run(context);
      return status.ok() ? 0 : 1;
    });
    EXPECT_EQ(died, 42) << "never came to phase " << phase;
    const int recovered = InChild([&] {
      HandRunJob context(*state_, job);
      const Status status = BodyOf(job.kind)->Recover(context);
      if (!status.ok()) context.Log("error", "recovery: " + status.message());
      return status.ok() ? 0 : 1;
    });
    return recovered == 0 ? Status() : Status(Code::kIo, LogOf(job.subject_id));
  }

  // A completed one, made by a process of its own.
  Backup MakeBackupInChild() {
    const auto backup = requests_->StartBackup("orders", {});
    EXPECT_TRUE(IsOk(backup));
    EXPECT_EQ(InChild([&] { return RunOpenJob().ok() ? 0 : 1; }), 0);
    return BackupNow(backup->id);
  }
  // A completed backup of the volume as it is.
  Backup MakeBackup() {
    const auto backup = requests_->StartBackup("orders", {});
    EXPECT_TRUE(IsOk(backup));
    EXPECT_TRUE(IsOk(RunOpenJob()));
    const auto made = state_->FindBackup(backup->id);
    EXPECT_TRUE(IsOk(made));
    return **made;
  }
  Backup BackupNow(const std::string& id) { return **state_->FindBackup(id); }
  RestoreRecord RestoreNow(const std::string& id) { return **state_->FindRestore(id); }
  std::string LogOf(const std::string& subject) {
    std::string text;
    const auto lines = state_->ReadLog(subject, {});
    EXPECT_TRUE(IsOk(lines));
    for (const LogLine& line : *lines)
      text += line.level + " " + line.text + "\n";
    return text;
  }
  bool NoFacts() {
    for (const char* kind :
         {"capture", "mount", "drill", "restore-down", "restore-writing", "fork-volume"}) {
      const auto facts = state_->ListFacts(kind);
      if (!facts.ok() || !facts->empty()) return false;
    }
    return true;
  }

  TemporaryDirectory directory_;
  std::string varve_binary_ = "/no/such/varve";
  AgentConfig config_;
  Addon addon_;
  std::unique_ptr<StateStore> state_;
  std::unique_ptr<WorkPlant> plant_;
  std::unique_ptr<JobRunner> runner_;
  std::unique_ptr<WorkRequests> requests_;
  std::vector<std::string> phases_;
};

}  // namespace varve::agent
