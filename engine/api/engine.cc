#include "api/engine.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <set>

#include "base/limits.h"
#include "io/posix_disk.h"
#include "repo/snapshot_selector.h"
#include "repo/space_reserve.h"
#include "restore/overlay_volume.h"
#include "store/pack_reader.h"
#include "tree/tree_diff.h"
#include "volume/raw_volume.h"

namespace varve {
namespace {

constexpr uint32_t kDiffLeafBatch = 8;
constexpr size_t kRangeCacheBytes = 32 * kMiB;
constexpr uint64_t kRangePiece = 4 * kMiB;

// A repository's local state without its index: every place comes from the packs.
class NoIndexState : public LocalState {
 public:
  explicit NoIndexState(std::unique_ptr<LocalState> state) : state_(std::move(state)) {}
  Result<std::unique_ptr<WriterLock>> AcquireWriterLock(const std::string& purpose) override {
    return state_->AcquireWriterLock(purpose);
  }
  Result<std::unique_ptr<HeldLock>> TryLock(const std::string& name, LockLife life) override {
    return state_->TryLock(name, life);
  }
  Result<std::unique_ptr<Index>> OpenIndex(const RepositoryId&, IndexMode) override {
    return NotFound("no index is used");
  }
  Status DestroyIndex() override { return {}; }
  Result<std::vector<std::string>> VerifyIndex() override { return std::vector<std::string>(); }

 private:
  const std::unique_ptr<LocalState> state_;
};

std::string Absolute(const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::weakly_canonical(std::filesystem::absolute(path), error);
  return error ? path : absolute.string();
}

bool SameFile(const std::string& a, const std::string& b) {
  struct stat in_a {};
  struct stat in_b {};
  return stat(a.c_str(), &in_a) == 0 && stat(b.c_str(), &in_b) == 0 && in_a.st_dev == in_b.st_dev &&
         in_a.st_ino == in_b.st_ino;
}

// The path in "file:<path>:<numbers>" or "device:<path>:<numbers>".
std::string PathOfIdentity(const std::string& identity) {
  const size_t begin = identity.find(':') + 1;
  size_t end = identity.size();
  const int numbers = identity.starts_with("file:") ? 3 : 2;
  for (int i = 0; i < numbers && end != std::string::npos && end > begin; ++i) {
    end = identity.rfind(':', end - 1);
  }
  return end == std::string::npos || end <= begin ? "" : identity.substr(begin, end - begin);
}

std::string EncodingName(Encoding encoding) {
  switch (encoding) {
    case Encoding::kRaw:
      return "raw";
    case Encoding::kZstd:
      return "zstd";
    case Encoding::kDelta:
      return "delta";
  }
  return "?";
}

std::string KindName(ContentKind kind) {
  switch (kind) {
    case ContentKind::kChunk:
      return "chunk";
    case ContentKind::kLeaf:
      return "leaf";
    case ContentKind::kInner:
      return "node";
  }
  return "?";
}

}  // namespace

Engine::~Engine() = default;

Status Engine::Init(const std::string& directory, RepositoryOptions options,
                    const EncryptionOptions* encryption) {
  std::optional<FirstKeySlot> key_slot;
  if (encryption != nullptr) {
    VARVE_ASSIGN_OR_RETURN(KeyMaterial material, encryption->source.Read());
    key_slot = FirstKeySlot{std::move(material), encryption->label, encryption->cost};
    options.key_slot = &*key_slot;
  }
  if (mkdir(directory.c_str(), 0700) == 0) {
    VARVE_ASSIGN_OR_RETURN(const std::unique_ptr<Disk> parent,
                           OpenPosixDisk(std::filesystem::path(Absolute(directory)).parent_path()));
    VARVE_RETURN_IF_ERROR(parent->SyncDirectory("."));
  } else if (errno != EEXIST) {
    return Status::FromErrno(errno, "create " + directory);
  }
  VARVE_ASSIGN_OR_RETURN(const std::unique_ptr<Disk> disk, OpenPosixDisk(directory));
  const std::unique_ptr<LocalState> local = NewDirectoryLocalState(Absolute(directory));
  RepositoryEnvironment environment;
  environment.disk = disk.get();
  environment.local = local.get();
  environment.name = directory;
  return Repository::Create(environment, options);
}

Result<std::unique_ptr<Engine>> Engine::OpenWith(const std::string& directory,
                                                 std::unique_ptr<LocalState> local, OpenMode mode,
                                                 const std::string& purpose, NoticeFunction notice,
                                                 const KeyOptions& key) {
  std::unique_ptr<Engine> engine(new Engine());
  engine->directory_ = Absolute(directory);
  VARVE_ASSIGN_OR_RETURN(engine->disk_, OpenPosixDisk(directory));
  engine->local_ = std::move(local);
  RepositoryEnvironment environment;
  environment.disk = engine->disk_.get();
  environment.local = engine->local_.get();
  environment.name = directory;
  environment.notice = std::move(notice);
  if (key.source.given()) environment.key.read = [source = key.source] { return source.Read(); };
  environment.key.expected = key.source.on_purpose();
  environment.key.may_stay_locked = key.may_stay_locked;
  VARVE_ASSIGN_OR_RETURN(engine->repository_, Repository::Open(environment, mode, purpose));
  return engine;
}

Result<std::unique_ptr<Engine>> Engine::Open(const std::string& directory, OpenMode mode,
                                             const std::string& purpose, NoticeFunction notice,
                                             const KeyOptions& key) {
  return OpenWith(directory, NewDirectoryLocalState(Absolute(directory)), mode, purpose,
                  std::move(notice), key);
}

Result<std::unique_ptr<Engine>> Engine::OpenWithoutIndex(const std::string& directory,
                                                         NoticeFunction notice,
                                                         const KeyOptions& key) {
  return OpenWith(directory,
                  std::make_unique<NoIndexState>(NewDirectoryLocalState(Absolute(directory))),
                  OpenMode::kRead, "recover", std::move(notice), key);
}

Result<std::vector<SnapshotRecord>> Engine::List(const std::string& volume_name) {
  VARVE_RETURN_IF_ERROR(repository_->CheckUnlocked());
  std::vector<DamagedRecord> damaged;
  VARVE_ASSIGN_OR_RETURN(std::vector<SnapshotRecord> records, repository_->Snapshots(&damaged));
  for (const DamagedRecord& record : damaged) {
    repository_->Notice(record.path + " is damaged: " + record.status.message());
  }
  if (!volume_name.empty()) {
    std::erase_if(records, [&](const SnapshotRecord& r) { return r.volume_name != volume_name; });
  }
  return records;
}

Result<SnapshotRecord> Engine::Find(const std::string& selector) {
  VARVE_ASSIGN_OR_RETURN(const std::vector<SnapshotRecord> records, List(""));
  return SelectSnapshot(records, selector);
}

Result<std::unique_ptr<Session>> Engine::PinForReading(const SnapshotRecord& record,
                                                       const std::string& purpose) {
  auto session = repository_->BeginSession(purpose, SessionRole::kReader, {record.id});
  const Code code = session.status().code();
  if (code != Code::kDenied && code != Code::kNoSpace && code != Code::kIo) return session;
  repository_->Notice("snapshot " + record.id.Short() +
                      " is not protected from deletes meanwhile: " + session.status().message());
  return std::unique_ptr<Session>();
}

Result<std::vector<RetentionDecision>> Engine::PlanForget(const ForgetRequest& request) {
  VARVE_RETURN_IF_ERROR(repository_->CheckMayDelete());
  VARVE_ASSIGN_OR_RETURN(const std::vector<SnapshotRecord> all, List(""));
  VARVE_ASSIGN_OR_RETURN(const SnapshotCatalog catalog, repository_->Catalog());
  std::vector<RetentionDecision> plan;
  for (const std::string& selector : request.selectors) {
    VARVE_ASSIGN_OR_RETURN(const SnapshotRecord record, SelectSnapshot(all, selector));
    const bool twice = std::any_of(plan.begin(), plan.end(), [&](const RetentionDecision& d) {
      return d.record.id == record.id;
    });
    if (!twice) plan.push_back({record, false, "named"});
  }
  std::map<std::string, std::vector<SnapshotRecord>> by_volume;
  for (const SnapshotRecord& record : all) {
    const bool meant = request.volume_name.empty() || record.volume_name == request.volume_name;
    if (request.selectors.empty() && meant) by_volume[record.volume_name].push_back(record);
  }
  if (!by_volume.empty() && !request.policy.empty() && !request.force) {
    VARVE_RETURN_IF_ERROR(CheckClock(all, repository_->clock().NowUnixNs()));
  }
  for (const auto& [volume, records] : by_volume) {
    for (RetentionDecision& decision : DecideRetention(records, request.policy)) {
      const auto hold = catalog.holds.find(decision.record.id);
      if (!decision.keep && hold != catalog.holds.end()) {
        decision.keep = true;
        decision.reason = "held: " + hold->second.reason;
      }
      plan.push_back(std::move(decision));
    }
  }
  const auto deleted = static_cast<size_t>(
      std::count_if(plan.begin(), plan.end(), [](const RetentionDecision& d) { return !d.keep; }));
  if (!request.force) VARVE_RETURN_IF_ERROR(CheckForgetBrake(deleted, all.size()));
  return plan;
}

Status Engine::Forget(const std::vector<RetentionDecision>& plan) {
  std::vector<SnapshotId> ids;
  std::string reason;
  for (const RetentionDecision& decision : plan) {
    if (decision.keep) continue;
    ids.push_back(decision.record.id);
    reason = decision.reason;
  }
  return ids.empty() ? Status() : repository_->Delete(ids, reason);
}

Status Engine::CheckOutside(const std::string& what, const std::string& path) const {
  const std::string absolute = Absolute(path);
  if (absolute == directory_ || absolute.starts_with(directory_ + "/")) {
    return InvalidArgument(what + " " + path + " lies inside the repository " + directory_);
  }
  return {};
}

Result<SnapshotReport> Engine::Snapshot(const std::string& volume_path, SnapshotOptions options,
                                        Progress& progress) {
  VARVE_RETURN_IF_ERROR(CheckOutside("volume", volume_path));
  VARVE_ASSIGN_OR_RETURN(const std::unique_ptr<RawVolume> volume, RawVolume::Open(volume_path));
  if (options.volume_name.empty()) {
    options.volume_name = std::filesystem::path(Absolute(volume_path)).filename();
  }
  return TakeSnapshot(*repository_, *volume, options, progress);
}

Result<SnapshotReport> Engine::CommitOverlay(const std::string& directory, SnapshotOptions options,
                                             Progress& progress) {
  VARVE_ASSIGN_OR_RETURN(const OverlayBinding binding, OverlayDirectory::ReadBinding(directory));
  VARVE_ASSIGN_OR_RETURN(const SnapshotRecord record, repository_->Snapshot(binding.snapshot));
  VARVE_ASSIGN_OR_RETURN(std::unique_ptr<SnapshotReader> reader,
                         SnapshotReader::Open(*repository_, record, kRangeCacheBytes));
  VARVE_ASSIGN_OR_RETURN(
      const std::unique_ptr<OverlayDirectory> overlay,
      OverlayDirectory::Open(directory, {repository_->config().id, record.id, record.size_bytes},
                             std::move(reader), "commit-overlay"));
  const OverlayVolume volume(*overlay, record);
  if (options.volume_name.empty()) options.volume_name = record.volume_name;
  options.parent = record.id;
  options.changes = volume.Changes();
  options.changes->volume_name = options.volume_name;
  return TakeSnapshot(*repository_, volume, options, progress);
}

Result<RestoreOutcome> Engine::Restore(const SnapshotRecord& record, const RestoreRequest& request,
                                       Progress& progress) {
  VARVE_RETURN_IF_ERROR(CheckOutside("target", request.target));
  if (request.mode != TargetMode::kInPlace &&
      SameFile(request.target, PathOfIdentity(record.volume_identity))) {
    return InvalidArgument("target " + request.target +
                           " is the volume that the snapshot was taken of; --in-place brings it "
                           "back to the snapshot");
  }
  VARVE_ASSIGN_OR_RETURN(
      const std::unique_ptr<RestoreTarget> target,
      RestoreTarget::Open(request.target, request.mode, record.size_bytes, record.id));
  VARVE_ASSIGN_OR_RETURN(const auto pin, PinForReading(record, "restore"));
  RestoreOutcome outcome;
  outcome.resumed = target->resumed();
  VARVE_ASSIGN_OR_RETURN(outcome.report,
                         RestoreSnapshot(*repository_, record, target->writer(), target->present(),
                                         request.options, progress));
  VARVE_RETURN_IF_ERROR(target->Finish());
  return outcome;
}

Status Engine::RestoreRange(const SnapshotRecord& record, uint64_t offset, uint64_t length,
                            const std::string& target_path, Progress& progress) {
  VARVE_RETURN_IF_ERROR(CheckOutside("target", target_path));
  VARVE_ASSIGN_OR_RETURN(const auto pin, PinForReading(record, "restore of a range"));
  VARVE_ASSIGN_OR_RETURN(const std::unique_ptr<SnapshotReader> reader,
                         SnapshotReader::Open(*repository_, record, kRangeCacheBytes));
  if (offset > reader->size_bytes() || length > reader->size_bytes() - offset) {
    return InvalidArgument("range " + std::to_string(offset) + "+" + std::to_string(length) +
                           " passes the end of the volume at " +
                           std::to_string(reader->size_bytes()));
  }
  VARVE_ASSIGN_OR_RETURN(const std::unique_ptr<RestoreTarget> target,
                         RestoreTarget::Open(target_path, TargetMode::kNewFile, length, record.id));
  progress.bytes_total = length;
  AlignedBuffer buffer(kRangePiece);
  for (uint64_t done = 0; done < length;) {
    if (progress.cancelled) return Cancelled("interrupted");
    const size_t piece = std::min<uint64_t>(kRangePiece, length - done);
    VARVE_RETURN_IF_ERROR(reader->ReadAt(offset + done, buffer.span().first(piece)));
    VARVE_RETURN_IF_ERROR(target->writer().Write(done, buffer.span().first(piece)));
    done += piece;
    progress.bytes_done = done;
  }
  return target->Finish();
}

Result<std::vector<VolumeExtent>> Engine::Diff(const SnapshotRecord& a, const SnapshotRecord& b) {
  VARVE_ASSIGN_OR_RETURN(Index * index, repository_->index());
  const auto open = [&](const SnapshotRecord& record) {
    const TreeRoot root{record.root, TreeGeometry(record.size_bytes, record.chunk_size_bytes)};
    return std::make_unique<TreeReader>(repository_->storage(), *index,
                                        repository_->config().id_key, root,
                                        "snapshot " + record.id.Hex(), kDiffLeafBatch);
  };
  const auto tree_a = open(a);
  const auto tree_b = open(b);
  const uint64_t end = std::max(a.size_bytes, b.size_bytes);
  std::vector<VolumeExtent> extents;
  VARVE_RETURN_IF_ERROR(DiffTrees(*tree_a, *tree_b, [&](uint64_t chunk) {
    const uint64_t begin = chunk * a.chunk_size_bytes;
    const uint64_t chunk_end = std::min(begin + a.chunk_size_bytes, end);
    if (!extents.empty() && extents.back().end == begin) {
      extents.back().end = chunk_end;
    } else {
      extents.push_back({begin, chunk_end});
    }
    return Status();
  }));
  return extents;
}

Result<VerifyReport> Engine::Verify(const SnapshotRecord& record, VerifyLevel level,
                                    Progress& progress) {
  VARVE_ASSIGN_OR_RETURN(const auto pin, PinForReading(record, "verify"));
  return VerifySnapshot(*repository_, record, level, progress);
}

Result<CheckReport> Engine::Check(Progress& progress) {
  return CheckRepository(*repository_, progress);
}

Result<ScrubReport> Engine::Scrub(const ScrubOptions& options, Progress& progress) {
  return ScrubRepository(*repository_, options, progress);
}

Result<RepairReport> Engine::Repair(const RepairOptions& options, const std::string& from,
                                    const std::string& volume, const std::string& volume_name,
                                    Progress& progress) {
  std::unique_ptr<Engine> twin;
  std::unique_ptr<RawVolume> live;
  std::vector<std::unique_ptr<HealSource>> sources;
  if (!from.empty()) {
    VARVE_ASSIGN_OR_RETURN(
        twin, Open(from, OpenMode::kRead, "repair of another",
                   [&](const std::string& text) { repository_->Notice(from + ": " + text); }));
    VARVE_ASSIGN_OR_RETURN(std::unique_ptr<HealSource> source,
                           NewTwinSource(twin->repository(), repository_->config()));
    sources.push_back(std::move(source));
  }
  if (!volume.empty()) {
    VARVE_RETURN_IF_ERROR(CheckOutside("volume", volume));
    VARVE_ASSIGN_OR_RETURN(live, RawVolume::Open(volume));
    const std::string name = volume_name.empty()
                                 ? std::filesystem::path(Absolute(volume)).filename().string()
                                 : volume_name;
    VARVE_ASSIGN_OR_RETURN(std::unique_ptr<HealSource> source, NewVolumeSource(*live, name));
    sources.push_back(std::move(source));
  }
  std::vector<HealSource*> borrowed;
  for (const std::unique_ptr<HealSource>& source : sources)
    borrowed.push_back(source.get());
  return RepairRepository(*repository_, std::move(borrowed), options, progress);
}

Status Engine::CopyTo(const std::string& target, std::vector<SnapshotRecord> records,
                      Progress& progress, const std::function<void(const CopyReport&)>& on_copied) {
  VARVE_ASSIGN_OR_RETURN(const std::unique_ptr<Engine> to,
                         Open(target, OpenMode::kWrite, "copy", [&](const std::string& text) {
                           repository_->Notice(target + ": " + text);
                         }));
  std::sort(records.begin(), records.end(), [](const SnapshotRecord& a, const SnapshotRecord& b) {
    return a.sequence < b.sequence;
  });
  for (const SnapshotRecord& record : records) {
    const Result<CopyReport> report =
        CopySnapshot(*repository_, record, to->repository(), progress);
    if (!report.ok()) return report.status().WithContext("snapshot " + record.id.Hex());
    on_copied(*report);
  }
  return {};
}

Result<RepositoryTotals> Engine::Totals() {
  RepositoryTotals totals;
  VARVE_ASSIGN_OR_RETURN(const std::vector<SnapshotRecord> records, List(""));
  std::set<std::string> volumes;
  for (const SnapshotRecord& record : records) {
    volumes.insert(record.volume_name);
    totals.bytes_logical += record.size_bytes;
  }
  totals.snapshots = records.size();
  totals.volumes = volumes.size();
  Storage& storage = repository_->storage();
  VARVE_ASSIGN_OR_RETURN(const std::vector<PackListing> packs, ListPacks(storage));
  totals.packs = packs.size();
  for (const PackListing& pack : packs) {
    totals.bytes_stored += pack.size_bytes;
    VARVE_ASSIGN_OR_RETURN(const std::vector<PlacedFrame> frames,
                           ReadPackFrames(storage, pack.id, repository_->config().id));
    for (const PlacedFrame& frame : frames) {
      if (frame.info.kind != ContentKind::kChunk) {
        ++totals.nodes;
        continue;
      }
      ++totals.chunks;
      totals.chunk_deltas += frame.info.encoding == Encoding::kDelta ? 1 : 0;
      totals.chunk_raw_bytes += frame.info.raw_length;
      totals.chunk_stored_bytes += frame.info.stored_length;
    }
  }
  for (const char* directory : {".", "snapshots", "sessions", "tombstones", "holds", "gc", "damage",
                                "scrub", "quarantine", "keys", "quotas"}) {
    const Result<std::vector<DirectoryEntry>> files = storage.List(directory);
    if (files.status().code() == Code::kNotFound) continue;  // there was no need for it yet
    VARVE_RETURN_IF_ERROR(files.status());
    for (const DirectoryEntry& file : *files) {
      if (file.name != kReservePath) totals.bytes_stored += file.size_bytes;
    }
  }
  const Result<std::vector<DirectoryEntry>> index_files = storage.disk().List("index");
  if (index_files.ok()) {
    for (const DirectoryEntry& file : *index_files)
      totals.bytes_index += file.size_bytes;
  }
  return totals;
}

Result<Inspection> Engine::InspectPack(const PackId& id) {
  Storage& storage = repository_->storage();
  Inspection inspection;
  inspection.kind = "pack";
  VARVE_ASSIGN_OR_RETURN(const uint64_t size, storage.Size(PackPath(id)));
  VARVE_ASSIGN_OR_RETURN(const std::vector<PlacedFrame> frames,
                         ReadPackFrames(storage, id, repository_->config().id));
  inspection.facts = {{"id", id.Hex()},
                      {"path", PackPath(id)},
                      {"bytes", std::to_string(size)},
                      {"frames", std::to_string(frames.size())}};
  inspection.columns = {"offset", "kind", "encoding", "raw", "stored", "id", "base"};
  for (const PlacedFrame& frame : frames) {
    const FrameInfo& info = frame.info;
    inspection.rows.push_back({std::to_string(frame.offset), KindName(info.kind),
                               EncodingName(info.encoding), std::to_string(info.raw_length),
                               std::to_string(info.stored_length), info.id.Hex(),
                               info.base.IsZero() ? "" : info.base.Hex()});
  }
  return inspection;
}

Result<Inspection> Engine::InspectFrame(const Place& place) {
  const FrameInfo& info = place.frame;
  Inspection inspection;
  inspection.kind = KindName(info.kind);
  inspection.facts = {{"id", info.id.Hex()},
                      {"pack", place.pack.Hex()},
                      {"offset", std::to_string(place.offset)},
                      {"encoding", EncodingName(info.encoding)},
                      {"rawBytes", std::to_string(info.raw_length)},
                      {"storedBytes", std::to_string(info.stored_length)}};
  if (!info.base.IsZero()) inspection.facts.emplace_back("base", info.base.Hex());
  VARVE_ASSIGN_OR_RETURN(Index * index, repository_->index());
  FrameReader frames(repository_->storage(), *index);
  Bytes raw(info.raw_length);
  FrameRequest request;
  request.id = info.id;
  request.kind = info.kind;
  request.into = raw;
  VARVE_RETURN_IF_ERROR(frames.ReadMany({&request, 1}));
  ContentHasher hasher(repository_->config().id_key);
  const bool good = request.status.ok() && hasher.Compute(info.kind, raw) == info.id;
  inspection.facts.emplace_back(
      "content", good ? "matches its id"
                      : "DAMAGED: " + (request.status.ok() ? "its bytes have another id"
                                                           : request.status.message()));
  if (!good || info.kind == ContentKind::kChunk) return inspection;
  const auto count = LoadLe<uint16_t>(raw.data() + 2);
  if (info.kind == ContentKind::kLeaf) {
    VARVE_ASSIGN_OR_RETURN(const auto entries, DecodeLeaf("leaf", raw, count));
    inspection.columns = {"entry", "chunk", "fingerprint"};
    for (size_t i = 0; i < entries.size(); ++i) {
      inspection.rows.push_back({std::to_string(i),
                                 entries[i].IsZero() ? "zero" : entries[i].id.Hex(),
                                 entries[i].IsZero() ? "" : entries[i].fingerprint.Hex()});
    }
    return inspection;
  }
  VARVE_ASSIGN_OR_RETURN(const auto entries, DecodeInner("node", raw, raw[0], count));
  inspection.columns = {"entry", "node", "chunks"};
  for (size_t i = 0; i < entries.size(); ++i) {
    inspection.rows.push_back({std::to_string(i),
                               entries[i].IsZero() ? "zero" : entries[i].id.Hex(),
                               std::to_string(entries[i].chunk_count)});
  }
  return inspection;
}

Result<Inspection> Engine::Inspect(const std::string& name) {
  const RepositoryConfig& config = repository_->config();
  if (name == "config") {
    return Inspection{"config",
                      {{"repositoryId", config.id.Hex()},
                       {"created", FormatUtc(config.created_unix_ns)},
                       {"chunkSize", std::to_string(config.chunk_size_bytes)}},
                      {},
                      {}};
  }
  ContentId content;
  if (ContentId::Parse(name, &content)) {
    VARVE_ASSIGN_OR_RETURN(Index * index, repository_->index());
    VARVE_ASSIGN_OR_RETURN(const std::optional<Place> place, index->Find(content));
    if (!place) return NotFound("no pack holds " + name);
    return InspectFrame(*place);
  }
  VARVE_ASSIGN_OR_RETURN(const std::vector<PackListing> packs, ListPacks(repository_->storage()));
  std::vector<PackId> matches;
  for (const PackListing& pack : packs) {
    if (!name.empty() && pack.id.Hex().starts_with(name)) matches.push_back(pack.id);
  }
  const Result<SnapshotRecord> record = Find(name);
  if (matches.size() + (record.ok() ? 1 : 0) > 1) {
    return InvalidArgument(name + " is ambiguous: give more of the id");
  }
  if (matches.size() == 1) return InspectPack(matches[0]);
  if (!record.ok()) {
    return record.status().code() == Code::kNotFound
               ? NotFound("nothing in the repository is called " + name)
               : record.status();
  }
  return Inspection{"snapshot",
                    {{"id", record->id.Hex()},
                     {"path", SnapshotPath(record->id)},
                     {"volume", record->volume_name},
                     {"identity", record->volume_identity},
                     {"bytes", std::to_string(record->size_bytes)},
                     {"chunkSize", std::to_string(record->chunk_size_bytes)},
                     {"root", record->root.Hex()},
                     {"sequence", std::to_string(record->sequence)}},
                    {},
                    {}};
}

}  // namespace varve
