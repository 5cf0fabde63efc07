// The hands of a test on a SimulatedDisk: power cuts, faults, damage.
#include <algorithm>

#include "sim/simulated_disk.h"

namespace varve {

SimulatedDisk::Names SimulatedDisk::NamesAfter(CrashMode mode, CrashRandom& random) const {
  if (mode == CrashMode::kKeepAll) return names_;
  Names names = durable_names_;
  for (const DirectoryChange& change : unsynced_) {
    bool happened = false;
    if (mode == CrashMode::kDirectoriesFirst) {
      happened = !change.lost;
    } else if (mode != CrashMode::kLoseUnsynced) {
      happened = FlipCoin(random);
    }
    if (happened) Apply(change.edits, names);
  }
  // What lies in a directory that is not there is not there either. Parents sort before children.
  for (auto at = names.begin(); at != names.end();) {
    const size_t slash = at->first.rfind('/');
    const bool reachable = slash == std::string::npos || names.contains(at->first.substr(0, slash));
    at = reachable ? std::next(at) : names.erase(at);
  }
  return names;
}

std::shared_ptr<SimulatedDisk::File> SimulatedDisk::FileAfter(const File& file, CrashMode mode,
                                                              CrashRandom& random) {
  auto after = std::make_shared<File>();
  after->content = file.content;
  const size_t size = file.content->size();
  if (mode != CrashMode::kKeepAll && file.durable) {
    UpdatesAfter(file, mode, random, after->Writable());
  } else if (mode != CrashMode::kKeepAll && (file.synced < size || !file.lost.empty())) {
    Bytes& content = after->Writable();
    const bool garble = mode == CrashMode::kGarbled;
    const ByteSpan nothing;
    for (const auto& [begin, end] : file.lost) {
      for (size_t i = begin; i < end; ++i)
        content[i] = garble ? uint8_t(random()) : 0;
    }
    if (mode == CrashMode::kLoseUnsynced) {
      content.resize(file.synced);
    } else if (mode == CrashMode::kDirectoriesFirst) {
      // Some file systems keep the size and some do not; none promises the bytes.
      content.resize(file.synced);
      if (FlipCoin(random)) content.resize(size);
    } else if (mode == CrashMode::kReordered) {
      size_t begin = file.synced;
      size_t end_of_survivors = file.synced;
      for (const size_t end : file.appends) {
        const bool survived = FlipCoin(random);
        if (survived) end_of_survivors = end;
        if (!survived) std::fill(content.begin() + begin, content.begin() + end, 0);
        begin = end;
      }
      content.resize(end_of_survivors);
    } else {
      LoseSectors(content, nothing, file.synced, size, garble, random);
      const size_t sectors = (size - file.synced) / kSectorBytes;
      if (FlipCoin(random)) content.resize(file.synced + random() % (sectors + 1) * kSectorBytes);
    }
  }
  after->synced = after->content->size();
  return after;
}

// What is left of a file that was changed in place.
void SimulatedDisk::UpdatesAfter(const File& file, CrashMode mode, CrashRandom& random,
                                 Bytes& content) {
  content = *file.durable;
  if (mode == CrashMode::kLoseUnsynced || mode == CrashMode::kDirectoriesFirst) return;
  for (const Update& update : file.updates) {
    if (mode == CrashMode::kReordered) {
      if (FlipCoin(random)) ApplyUpdate(update, content);
      continue;
    }
    const Bytes before = content;
    ApplyUpdate(update, content);
    LoseSectors(content, before, update.offset, update.offset + update.bytes.size(),
                mode == CrashMode::kGarbled, random);
  }
}

std::unique_ptr<SimulatedDisk> SimulatedDisk::Crash(uint64_t seed, CrashMode mode) const {
  auto after = std::make_unique<SimulatedDisk>();
  const std::lock_guard lock(mutex_);
  CrashRandom random(seed);
  after->names_ = NamesAfter(mode, random);
  std::map<const File*, std::shared_ptr<File>> files;
  for (auto& [path, entry] : after->names_) {
    if (entry.file == nullptr) continue;
    std::shared_ptr<File>& file = files[entry.file.get()];
    if (file == nullptr) file = FileAfter(*entry.file, mode, random);
    entry.file = file;
  }
  after->durable_names_ = after->names_;
  after->capacity_ = capacity_;
  return after;
}

std::unique_ptr<SimulatedDisk> SimulatedDisk::Clone() const {
  auto clone = std::make_unique<SimulatedDisk>();
  const std::lock_guard lock(mutex_);
  std::map<const File*, std::shared_ptr<File>> files;
  const auto copy = [&](Entry& entry) {
    if (entry.file == nullptr) return;
    std::shared_ptr<File>& file = files[entry.file.get()];
    if (file == nullptr) file = std::make_shared<File>(*entry.file);
    entry.file = file;
  };
  clone->names_ = names_;
  clone->durable_names_ = durable_names_;
  clone->unsynced_ = unsynced_;
  clone->capacity_ = capacity_;
  for (auto& [path, entry] : clone->names_)
    copy(entry);
  for (auto& [path, entry] : clone->durable_names_)
    copy(entry);
  for (DirectoryChange& change : clone->unsynced_) {
    for (Edit& edit : change.edits) {
      if (edit.entry) copy(*edit.entry);
    }
  }
  return clone;
}

void SimulatedDisk::InjectFault(Fault fault) {
  const std::lock_guard lock(mutex_);
  faults_.Inject(std::move(fault));
}

void SimulatedDisk::ClearFaults() {
  const std::lock_guard lock(mutex_);
  faults_.Clear();
}

void SimulatedDisk::FreezeAfter(uint64_t changes) {
  const std::lock_guard lock(mutex_);
  faults_.FreezeAfter(changes);
}

bool SimulatedDisk::frozen() const {
  const std::lock_guard lock(mutex_);
  return faults_.frozen();
}

uint64_t SimulatedDisk::operation_count() const {
  const std::lock_guard lock(mutex_);
  return faults_.operations();
}

uint64_t SimulatedDisk::change_count() const {
  const std::lock_guard lock(mutex_);
  return faults_.changes();
}

void SimulatedDisk::SetObserver(Observer observer) {
  const std::lock_guard lock(mutex_);
  observer_ = std::move(observer);
}

void SimulatedDisk::SetCapacity(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  capacity_ = bytes;
}

uint64_t SimulatedDisk::used_bytes() const {
  uint64_t used = 0;
  for (const std::string& path : AllFiles())
    used += Content(path).size();
  return used;
}

std::shared_ptr<SimulatedDisk::File> SimulatedDisk::DamagedFile(const std::string& path) {
  const auto found = names_.find(path);
  VARVE_CHECK(found != names_.end() && found->second.file != nullptr);
  return found->second.file;
}

void SimulatedDisk::FlipBit(const std::string& path, uint64_t bit) {
  const std::lock_guard lock(mutex_);
  Bytes& content = DamagedFile(path)->Writable();
  VARVE_CHECK(bit / 8 < content.size());
  content[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
}

void SimulatedDisk::Truncate(const std::string& path, uint64_t size_bytes) {
  const std::lock_guard lock(mutex_);
  const std::shared_ptr<File> file = DamagedFile(path);
  file->Writable().resize(size_bytes);
  file->synced = size_bytes;
  file->appends.clear();
  file->lost.clear();
}

void SimulatedDisk::ZeroSector(const std::string& path, uint64_t sector) {
  const std::lock_guard lock(mutex_);
  Bytes& content = DamagedFile(path)->Writable();
  const size_t begin = std::min<size_t>(sector * kSectorBytes, content.size());
  const size_t end = std::min(begin + kSectorBytes, content.size());
  std::fill(content.begin() + begin, content.begin() + end, 0);
}

void SimulatedDisk::Swap(const std::string& a, const std::string& b) {
  const std::lock_guard lock(mutex_);
  std::swap(*DamagedFile(a), *DamagedFile(b));
}

void SimulatedDisk::CopyOver(const std::string& from, const std::string& to) {
  SetContent(to, Content(from));
}

void SimulatedDisk::SetContent(const std::string& path, Bytes content) {
  const std::lock_guard lock(mutex_);
  auto file = std::make_shared<File>();
  file->synced = content.size();
  file->content = std::make_shared<Bytes>(std::move(content));
  names_[path] = {file};
  durable_names_[path] = {file};
}

void SimulatedDisk::Erase(const std::string& path) {
  const std::lock_guard lock(mutex_);
  names_.erase(path);
  durable_names_.erase(path);
}

Bytes SimulatedDisk::Content(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(path);
  VARVE_CHECK(found != names_.end() && found->second.file != nullptr);
  return *found->second.file->content;
}

bool SimulatedDisk::Exists(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  return names_.contains(path);
}

std::vector<std::string> SimulatedDisk::AllFiles() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> paths;
  for (const auto& [path, entry] : names_) {
    if (entry.file != nullptr) paths.push_back(path);
  }
  return paths;
}

}  // namespace varve
