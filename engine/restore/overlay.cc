#include "restore/overlay.h"

#include <algorithm>
#include <charconv>

#include "base/limits.h"

namespace varve {
namespace {

constexpr const char* kBindingPath = "overlay";
constexpr const char* kDataPath = "data";
constexpr const char* kLogPrefix = "map.";

std::string LogPath(uint64_t generation) {
  return kLogPrefix + std::to_string(generation);
}

std::vector<MapLogRange> ToLog(const std::vector<BlockRange>& ranges) {
  std::vector<MapLogRange> entries;
  entries.reserve(ranges.size());
  for (const BlockRange& range : ranges)
    entries.push_back({range.begin, range.end});
  return entries;
}

Status CheckBinding(const OverlayBinding& found, const OverlayBinding& wanted) {
  if (found == wanted) return {};
  if (found.repository != wanted.repository) {
    return InvalidArgument("the overlay is of a snapshot in repository " +
                           found.repository.Short() + ", not in " + wanted.repository.Short());
  }
  return InvalidArgument("the overlay is of snapshot " + found.snapshot.Hex() + " (" +
                         std::to_string(found.size_bytes) + " bytes), not of " +
                         wanted.snapshot.Hex() + " (" + std::to_string(wanted.size_bytes) +
                         " bytes)");
}

// Nothing that is not ours may lie where an overlay begins.
Status CheckEmpty(Disk& disk) {
  VARVE_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries, disk.List("."));
  for (const DirectoryEntry& entry : entries) {
    if (entry.name == "lock" || entry.name.ends_with(kTemporarySuffix)) continue;
    return AlreadyExists("the directory holds " + entry.name + " and is no overlay");
  }
  return {};
}

}  // namespace

Overlay::Overlay(Disk& disk, const OverlayBinding& binding)
    : storage_(disk),
      binding_(binding),
      block_count_(DivideUp(binding.size_bytes, kOverlayBlock)) {}

Result<OverlayBinding> Overlay::ReadBinding(Disk& disk) {
  Storage storage(disk);
  VARVE_ASSIGN_OR_RETURN(const Bytes object, storage.ReadSmall(kBindingPath, kSmallObjectMax));
  return DecodeOverlayBinding(kBindingPath, object);
}

Result<std::unique_ptr<Overlay>> Overlay::Open(Disk& disk, const OverlayBinding& binding) {
  std::unique_ptr<Overlay> overlay(new Overlay(disk, binding));
  const Result<OverlayBinding> found = ReadBinding(disk);
  if (found.ok()) {
    VARVE_RETURN_IF_ERROR(CheckBinding(*found, binding));
    VARVE_RETURN_IF_ERROR(overlay->LoadMap());
  } else if (found.status().code() == Code::kNotFound) {
    VARVE_RETURN_IF_ERROR(CheckEmpty(disk));
    VARVE_RETURN_IF_ERROR(overlay->storage_.RemoveTemporaries(""));
    VARVE_RETURN_IF_ERROR(overlay->storage_.Publish(kBindingPath, EncodeOverlayBinding(binding)));
  } else {
    return found.status();
  }
  const Result<uint64_t> data_size = disk.Size(kDataPath);
  if (!data_size.ok() && !overlay->map_.empty()) {
    return Corruption("the map names blocks, but: " + data_size.status().message());
  }
  VARVE_ASSIGN_OR_RETURN(overlay->data_, disk.OpenForUpdate(kDataPath, binding.size_bytes));
  // Its name is durable before any map speaks of what is in it.
  if (!data_size.ok()) VARVE_RETURN_IF_ERROR(disk.SyncDirectory("."));
  return overlay;
}

Status Overlay::FindLogs(std::vector<uint64_t>* generations) {
  VARVE_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> files, storage_.List("."));
  for (const DirectoryEntry& file : files) {
    if (!file.name.starts_with(kLogPrefix)) continue;
    const char* const begin = file.name.data() + std::string_view(kLogPrefix).size();
    const char* const end = file.name.data() + file.name.size();
    uint64_t generation = 0;
    const auto parsed = std::from_chars(begin, end, generation);
    if (parsed.ec != std::errc() || parsed.ptr != end) {
      return Corruption(file.name + " is no name of a map");
    }
    generations->push_back(generation);
  }
  std::sort(generations->begin(), generations->end());
  return {};
}

Status Overlay::LoadMap() {
  VARVE_RETURN_IF_ERROR(storage_.RemoveTemporaries(""));
  std::vector<uint64_t> generations;
  VARVE_RETURN_IF_ERROR(FindLogs(&generations));
  if (generations.empty()) return {};
  // A log gets its name when it holds everything that was mapped until then.
  generation_ = generations.back();
  const std::string path = LogPath(generation_);
  VARVE_ASSIGN_OR_RETURN(const uint64_t size, storage_.Size(path));
  if (size > kOverlayLogBytesMax) {
    return Corruption(path + ": " + std::to_string(size) + " bytes are too many for a map");
  }
  Bytes log(size);
  VARVE_RETURN_IF_ERROR(storage_.Read(path, 0, log));
  VARVE_ASSIGN_OR_RETURN(const std::vector<MapLogRange> ranges,
                         DecodeMapLog(path, log, binding_.snapshot, generation_, block_count_));
  for (const MapLogRange& range : ranges)
    map_.Add({range.begin, range.end});
  return {};
}

Overlay::Run Overlay::RunAt(uint64_t offset) const {
  const std::shared_lock lock(mutex_);
  const uint64_t block = offset / kOverlayBlock;
  const uint64_t end = map_.RunEnd(block, block_count_) * kOverlayBlock;
  return {std::min(end, binding_.size_bytes), map_.Contains(block)};
}

uint64_t Overlay::CountMapped() const {
  const std::shared_lock lock(mutex_);
  return map_.count();
}

std::vector<BlockRange> Overlay::Mapped() const {
  const std::shared_lock lock(mutex_);
  return map_.Ranges();
}

Status Overlay::Writable() const {
  const std::shared_lock lock(mutex_);
  return failed_;
}

void Overlay::Map(uint64_t offset, uint64_t length) {
  const BlockRange blocks{offset / kOverlayBlock, DivideUp(offset + length, kOverlayBlock)};
  {
    // Almost always the blocks are new or are all there already.
    const std::shared_lock lock(mutex_);
    if (map_.Contains(blocks.begin) && map_.RunEnd(blocks.begin, block_count_) >= blocks.end) {
      return;
    }
  }
  const std::lock_guard lock(mutex_);
  for (uint64_t begin = blocks.begin; begin < blocks.end;) {
    const uint64_t end = map_.RunEnd(begin, blocks.end);
    if (!map_.Contains(begin)) unsynced_.Add({begin, end});
    begin = end;
  }
  map_.Add(blocks);
}

Status Overlay::WriteAt(uint64_t offset, ByteSpan bytes) {
  VARVE_RETURN_IF_ERROR(Writable());
  const Status written = data_->WriteAt(offset, bytes);
  // After the write and not before: a Sync that does not cover it must not clear this.
  dirty_ = true;
  if (written.ok()) Map(offset, bytes.size());
  return written;
}

Status Overlay::Punch(uint64_t offset, uint64_t length) {
  VARVE_RETURN_IF_ERROR(Writable());
  const Status punched = data_->Punch(offset, length);
  dirty_ = true;
  if (punched.ok()) Map(offset, length);
  return punched;
}

// The blocks that the log is to learn. Everything in the map was written before.
Overlay::Batch Overlay::TakeUnsynced() {
  const std::lock_guard lock(mutex_);
  Batch batch;
  batch.is_everything = log_ == nullptr || log_bytes_ > log_bytes_max_;
  if (unsynced_.empty()) return batch;
  batch.ranges = batch.is_everything ? map_.Ranges() : unsynced_.Ranges();
  unsynced_ = BlockMap();
  return batch;
}

Status Overlay::Sync() {
  const std::lock_guard sync_lock(sync_mutex_);
  VARVE_RETURN_IF_ERROR(Writable());
  if (!dirty_.exchange(false)) return {};
  const Batch batch = TakeUnsynced();
  const Status data = data_->Sync();
  if (!data.ok()) {
    const std::lock_guard lock(mutex_);
    failed_ = data;
    return data;
  }
  // Beyond this point the bytes of all blocks of the batch are durable.
  if (batch.ranges.empty()) return {};
  const Status logged = batch.is_everything ? BeginLog(batch.ranges) : AppendToLog(batch);
  if (logged.ok()) return {};
  log_ = nullptr;
  const std::lock_guard lock(mutex_);
  for (const BlockRange& range : batch.ranges)
    unsynced_.Add(range);
  dirty_ = true;
  return logged;
}

Status Overlay::AppendToLog(const Batch& batch) {
  const Bytes record = EncodeMapLogRecord(sequence_, ToLog(batch.ranges));
  VARVE_RETURN_IF_ERROR(log_->Append(record));
  VARVE_RETURN_IF_ERROR(log_->Sync());
  ++sequence_;
  log_bytes_ += record.size();
  return {};
}

// Writes a log that knows everything, gives it its name when it is durable, and goes on with it.
Status Overlay::BeginLog(const std::vector<BlockRange>& everything) {
  const uint64_t generation = generation_ + 1;
  const std::string path = LogPath(generation);
  const std::string temporary = path + kTemporarySuffix;
  Disk& disk = storage_.disk();
  const Status leftover = disk.Remove(temporary);
  if (!leftover.ok() && leftover.code() != Code::kNotFound) return leftover;
  Bytes bytes = EncodeMapLogHeader(binding_.snapshot, generation);
  AppendBytes(bytes, EncodeMapLogRecord(0, ToLog(everything)));
  VARVE_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> log, disk.Create(temporary));
  VARVE_RETURN_IF_ERROR(log->Append(bytes));
  VARVE_RETURN_IF_ERROR(log->Sync());
  // A name whose sync failed may be there or not: the next log gets another one.
  generation_ = generation;
  VARVE_RETURN_IF_ERROR(disk.Rename(temporary, path));
  VARVE_RETURN_IF_ERROR(disk.SyncDirectory("."));
  // Beyond this point the older logs are not needed any more; one that stays does no harm.
  std::vector<uint64_t> generations;
  VARVE_RETURN_IF_ERROR(FindLogs(&generations));
  for (const uint64_t older : generations) {
    if (older < generation) static_cast<void>(disk.Remove(LogPath(older)));
  }
  log_ = std::move(log);
  sequence_ = 1;
  log_bytes_ = bytes.size();
  log_bytes_max_ = std::max<uint64_t>(kOverlayLogBytesMin, 4 * log_bytes_);
  return {};
}

}  // namespace varve
