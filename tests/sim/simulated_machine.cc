#include "sim/simulated_machine.h"

#include <sys/prctl.h>

#include "store/pack_reader.h"

namespace varve {
namespace {

class FixedClock : public Clock {
 public:
  int64_t NowUnixNs() const override { return 1'700'000'000'000'000'000; }
  int64_t NowMonotonicNs() const override { return 1; }
};

const FixedClock& TestClock() {
  static const FixedClock clock;
  return clock;
}

// The engine asks for huge pages, and clearing one takes longer than all that these small volumes
// need. Thousands of machines live in one test.
void WithoutHugePages() {
  [[maybe_unused]] static const int refused = prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

RestoreOptions OneWorker() {
  RestoreOptions options;
  options.workers = 1;
  return options;
}

std::string Unequal(const Bytes& found, const Bytes& expected) {
  if (found.size() != expected.size()) {
    return "is " + std::to_string(found.size()) + " bytes, not " + std::to_string(expected.size());
  }
  size_t at = 0;
  while (at < found.size() && found[at] == expected[at])
    ++at;
  return at == found.size() ? "" : "WRONG BYTE at " + std::to_string(at);
}

std::string FindUnreadable(SimulatedMachine& machine, const SnapshotId& id, const Bytes* expected) {
  const Result<Bytes> bytes = machine.ReadBack(id);
  const std::string name = "snapshot " + id.Short() + " ";
  if (!bytes.ok()) return name + "cannot be read: " + bytes.status().message();
  if (expected == nullptr) return "";
  const std::string unequal = Unequal(*bytes, *expected);
  return unequal.empty() ? "" : name + unequal;
}

}  // namespace

SimulatedMachine::SimulatedMachine(uint64_t seed)
    : SimulatedMachine(seed, std::make_unique<SimulatedDisk>(),
                       std::make_unique<SimulatedLocalState>()) {}

SimulatedMachine::SimulatedMachine(uint64_t seed, std::unique_ptr<SimulatedDisk> disk,
                                   std::unique_ptr<SimulatedLocalState> local)
    : disk_(std::move(disk)), local_(std::move(local)), random_(seed) {
  WithoutHugePages();
}

Status SimulatedMachine::Create(const RepositoryOptions& options) {
  return Repository::Create(
      {disk_.get(), local_.get(), &TestClock(), &random_, "test repository", {}}, options);
}

Result<std::unique_ptr<Repository>> SimulatedMachine::Open(OpenMode mode) {
  const auto notice = [this](const std::string& text) { notices_ += text + "\n"; };
  return Repository::Open(
      {disk_.get(), local_.get(), &TestClock(), &random_, "test repository", notice}, mode, "test");
}

SnapshotOptions SimulatedMachine::SmallOptions(const std::string& volume) {
  SnapshotOptions options;
  options.volume_name = volume;
  options.workers = 1;
  options.chunk_pack_bytes = 1;
  options.node_pack_bytes = 1;
  return options;
}

Result<SnapshotReport> SimulatedMachine::TakeFrom(const Volume& volume,
                                                  const SnapshotOptions& options) {
  VARVE_ASSIGN_OR_RETURN(const auto repository, Open(OpenMode::kWrite));
  Progress progress;
  return TakeSnapshot(*repository, volume, options, progress);
}

Result<SnapshotReport> SimulatedMachine::Take(const Bytes& content,
                                              const SnapshotOptions& options) {
  const SimulatedBlockDevice device(content);
  return TakeFrom(SimulatedVolume(device), options);
}

Result<Bytes> SimulatedMachine::ReadBack(const SnapshotId& id) {
  VARVE_ASSIGN_OR_RETURN(const auto repository, Open(OpenMode::kRead));
  VARVE_ASSIGN_OR_RETURN(const SnapshotRecord record, repository->Snapshot(id));
  SimulatedBlockDevice device(Bytes(record.size_bytes));
  Progress progress;
  VARVE_RETURN_IF_ERROR(
      RestoreSnapshot(*repository, record, device, nullptr, OneWorker(), progress).status());
  return device.Content();
}

Result<RestoreReport> SimulatedMachine::RestoreInPlace(const SnapshotId& id,
                                                       SimulatedBlockDevice& device) {
  VARVE_ASSIGN_OR_RETURN(const auto repository, Open(OpenMode::kRead));
  VARVE_ASSIGN_OR_RETURN(const SnapshotRecord record, repository->Snapshot(id));
  const SimulatedVolume present(device);
  Progress progress;
  return RestoreSnapshot(*repository, record, device, &present, OneWorker(), progress);
}

Result<std::vector<SnapshotRecord>> SimulatedMachine::List() {
  VARVE_ASSIGN_OR_RETURN(const auto repository, Open(OpenMode::kRead));
  return repository->Snapshots();
}

Result<CheckReport> SimulatedMachine::Check() {
  VARVE_ASSIGN_OR_RETURN(const auto repository, Open(OpenMode::kRead));
  Progress progress;
  return CheckRepository(*repository, progress);
}

std::vector<std::string> SimulatedMachine::Packs(PackContent content) const {
  std::vector<std::string> paths;
  for (const std::string& path : disk_->AllFiles()) {
    if (!path.starts_with("packs/")) continue;
    const Result<PackHeader> header = DecodePackHeader(path, disk_->Content(path));
    if (header.ok() && header->content == content) paths.push_back(path);
  }
  return paths;
}

std::string Describe(const CheckReport& report) {
  std::string text;
  for (const CheckFinding& finding : report.findings) {
    text += finding.object + ": " + finding.what + "\n";
  }
  for (const HurtSnapshot& hurt : report.hurt) {
    text += "hurts " + hurt.id.Short() + ":";
    for (const HurtRange& range : hurt.ranges) {
      text +=
          " [" + std::to_string(range.begin) + ", " + std::to_string(range.end) + ") " + range.why;
    }
    text += "\n";
  }
  return text;
}

std::string FindUnsound(SimulatedMachine& machine, const Committed& committed, const Bytes& next) {
  const Result<std::vector<SnapshotRecord>> records = machine.List();
  if (!records.ok()) return "cannot list: " + records.status().message();
  for (const SnapshotRecord& record : *records) {
    const auto known = committed.find(record.id);
    const std::string unreadable =
        FindUnreadable(machine, record.id, known == committed.end() ? nullptr : &known->second);
    if (!unreadable.empty()) return unreadable;
  }
  for (const auto& [id, bytes] : committed) {
    const bool listed =
        std::any_of(records->begin(), records->end(),
                    [&wanted = id](const SnapshotRecord& r) { return r.id == wanted; });
    if (!listed) return "snapshot " + id.Short() + " is lost";
  }
  Result<CheckReport> check = machine.Check();
  if (!check.ok()) return "cannot check: " + check.status().message();
  if (!check->clean()) return "check: " + Describe(*check);
  const Result<SnapshotReport> report = machine.Take(next);
  if (!report.ok()) return "the next snapshot fails: " + report.status().message();
  const std::string unreadable = FindUnreadable(machine, report->record.id, &next);
  if (!unreadable.empty()) return "the next " + unreadable;
  return "";
}

}  // namespace varve
