#include "store/rocks_index.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "base/fingerprint.h"
#include "base/limits.h"

namespace varve {
namespace {

// Keys: "f" + content id -> place; "p" + pack id -> nothing; "r" -> repository id and layout;
// "s" + snapshot id -> nothing, a proof.
constexpr char kFrameKey = 'f';
constexpr char kPackKey = 'p';
constexpr char kOwnerKey[] = "r";
constexpr char kProofKey = 's';
constexpr char kLayout = 2;
// Beside the encoding of a frame that is not usable.
constexpr uint8_t kDistrusted = 0x80;
// And of one that is sealed.
constexpr uint8_t kSealed = 0x40;
// Checksums of the small files beside the tables, which RocksDB does not cover with its own.
constexpr char kSealName[] = "SEAL";

constexpr uint64_t kWriteBufferBytes = 16 * kMiB;
constexpr uint64_t kDropBatchBytes = 1 * kMiB;
constexpr uint64_t kBlockCacheBytes = 32 * kMiB;

std::string KeyOf(char prefix, ByteSpan id) {
  std::string key(1, prefix);
  key += AsText(id);
  return key;
}

std::string EncodePlace(const Place& place) {
  const FrameInfo& frame = place.frame;
  Bytes value;
  AppendBytes(value, place.pack.span());
  AppendLe<uint32_t>(value, static_cast<uint32_t>(place.offset));
  AppendLe<uint32_t>(value, frame.raw_length);
  AppendLe<uint32_t>(value, frame.stored_length);
  value.push_back(static_cast<uint8_t>(frame.kind));
  const int flags = (place.usable ? 0 : kDistrusted) | (frame.sealed ? kSealed : 0);
  value.push_back(static_cast<uint8_t>(static_cast<uint8_t>(frame.encoding) | flags));
  if (frame.encoding == Encoding::kDelta) AppendBytes(value, frame.base.span());
  return std::string(AsText(value));
}

std::optional<Place> DecodePlace(const ContentId& id, ByteSpan value) {
  constexpr size_t kFixed = 16 + 12 + 2;
  if (value.size() < kFixed) return std::nullopt;
  Place place;
  place.pack = PackId::FromBytes(value.data());
  place.offset = LoadLe<uint32_t>(value.data() + 16);
  place.frame.raw_length = LoadLe<uint32_t>(value.data() + 20);
  place.frame.stored_length = LoadLe<uint32_t>(value.data() + 24);
  place.frame.kind = static_cast<ContentKind>(value[28]);
  const uint8_t encoding = value[29] & static_cast<uint8_t>(~(kDistrusted | kSealed));
  place.usable = (value[29] & kDistrusted) == 0;
  place.frame.sealed = (value[29] & kSealed) != 0;
  place.frame.encoding = static_cast<Encoding>(encoding);
  place.frame.id = id;
  const bool is_delta = place.frame.encoding == Encoding::kDelta;
  if (value[28] < 1 || value[28] > 3 || encoding > 2 ||
      value.size() != kFixed + (is_delta ? 32 : 0) || place.frame.raw_length > kFrameRawMax ||
      place.frame.stored_length > kFrameStoredMax) {
    return std::nullopt;
  }
  if (is_delta) place.frame.base = ContentId::FromBytes(value.data() + kFixed);
  return place;
}

// Everything that RocksDB says about itself beyond "not found" means: rebuild.
Status FromRocks(const rocksdb::Status& status, const std::string& what) {
  if (status.ok()) return {};
  if (status.IsNoSpace())
    return Status(Code::kNoSpace, "index: " + what + ": " + status.ToString());
  if (status.IsIOError()) return Status(Code::kIo, "index: " + what + ": " + status.ToString());
  return Corruption("index: " + what + ": " + status.ToString());
}

// RocksDB's info log would be one more file that tells nothing and that no checksum covers.
class NoLog : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::Options MakeOptions() {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(kBlockCacheBytes);
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
  table.whole_key_filtering = true;
  table.block_size = 4 * kKiB;
  table.format_version = 5;
  rocksdb::Options options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = rocksdb::kNoCompression;  // ids are random bytes
  options.write_buffer_size = kWriteBufferBytes;
  // Most lookups are for what is not there yet: a filter over what is not in a table yet answers
  // them without a walk over it (a third of a rebuild's time).
  options.memtable_prefix_bloom_size_ratio = 0.1;
  options.memtable_whole_key_filtering = true;
  options.max_write_buffer_number = 2;
  options.max_background_jobs = 2;
  options.info_log = std::make_shared<NoLog>();
  options.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();
  options.max_open_files = -1;
  options.paranoid_checks = true;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  return options;
}

bool IsTableFile(const std::filesystem::path& path) {
  return path.extension() == ".sst";
}
// Files that live and die with the process that writes.
bool IsTransient(const std::filesystem::path& path) {
  const std::string name = path.filename();
  return name == "LOCK" || name == kSealName || path.extension() == ".log" ||
         path.extension() == ".dbtmp";
}

// "<file name> <checksum>" for each small file, sorted. Empty if one cannot be read.
std::string SealText(const std::string& directory) {
  std::vector<std::string> lines;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (IsTableFile(entry.path()) || IsTransient(entry.path())) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    uint8_t checksum[8];
    StoreLe(checksum, ComputeChecksum(AsBytes(text)));
    lines.push_back(entry.path().filename().string() + " " + ToHex(checksum) + "\n");
  }
  std::sort(lines.begin(), lines.end());
  std::string seal;
  for (const std::string& line : lines)
    seal += line;
  return seal;
}

class RocksIndex : public Index {
 public:
  RocksIndex(std::string directory, std::unique_ptr<rocksdb::DB> db, IndexMode mode)
      : directory_(std::move(directory)), db_(std::move(db)), mode_(mode) {}

  ~RocksIndex() override {
    if (mode_ == IndexMode::kReader) return;
    // An index that closes badly is an index that is rebuilt; nothing depends on it.
    const bool flushed = Flush().ok() && db_->Close().ok();
    db_.reset();
    if (flushed) WriteSeal();
  }

  Status FindMany(std::span<const ContentId> ids,
                  std::vector<std::optional<Place>>* places) override {
    places->assign(ids.size(), std::nullopt);
    if (ids.empty()) return {};
    std::vector<size_t> order(ids.size());
    for (size_t i = 0; i < order.size(); ++i)
      order[i] = i;
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return ids[a] < ids[b]; });
    std::vector<std::string> keys;
    keys.reserve(ids.size());
    for (const size_t i : order)
      keys.push_back(KeyOf(kFrameKey, ids[i].span()));
    std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
    std::vector<rocksdb::PinnableSlice> values(ids.size());
    std::vector<rocksdb::Status> statuses(ids.size());
    db_->MultiGet(rocksdb::ReadOptions(), db_->DefaultColumnFamily(), slices.size(), slices.data(),
                  values.data(), statuses.data(), /*sorted_input=*/true);
    for (size_t k = 0; k < order.size(); ++k) {
      if (statuses[k].IsNotFound()) continue;
      VARVE_RETURN_IF_ERROR(FromRocks(statuses[k], "lookup"));
      std::optional<Place>& place = (*places)[order[k]];
      place = DecodePlace(ids[order[k]], AsBytes(values[k].ToStringView()));
      if (!place) return Corruption("index: entry of " + ids[order[k]].Hex() + " is malformed");
    }
    const std::lock_guard lock(mutex_);
    if (condemned_.empty()) return {};
    for (std::optional<Place>& place : *places) {
      if (place && condemned_.count(place->pack) != 0) place->usable = false;
    }
    return {};
  }

  Status Add(const PackId& pack, std::span<const PlacedFrame> frames) override {
    std::vector<ContentId> delta_ids;
    for (const PlacedFrame& frame : frames) {
      if (frame.info.encoding == Encoding::kDelta) delta_ids.push_back(frame.info.id);
    }
    const std::lock_guard lock(changing_);
    std::vector<std::optional<Place>> present;
    VARVE_RETURN_IF_ERROR(FindMany(delta_ids, &present));
    rocksdb::WriteBatch batch;
    size_t next_delta = 0;
    for (const PlacedFrame& frame : frames) {
      const bool is_delta = frame.info.encoding == Encoding::kDelta;
      if (is_delta) {
        const std::optional<Place>& older = present[next_delta++];
        const bool keep = older && older->frame.encoding != Encoding::kDelta && older->usable;
        if (keep) continue;
      }
      batch.Put(KeyOf(kFrameKey, frame.info.id.span()),
                EncodePlace({pack, frame.offset, frame.info}));
    }
    batch.Put(KeyOf(kPackKey, pack.span()), "");
    return Write(&batch);
  }

  Status Distrust(std::span<const ContentId> ids) override {
    const std::lock_guard lock(changing_);
    std::vector<std::optional<Place>> places;
    VARVE_RETURN_IF_ERROR(FindMany(ids, &places));
    rocksdb::WriteBatch batch;
    for (size_t i = 0; i < ids.size(); ++i) {
      if (!places[i]) continue;
      places[i]->usable = false;
      batch.Put(KeyOf(kFrameKey, ids[i].span()), EncodePlace(*places[i]));
    }
    // All keys that begin with it.
    batch.DeleteRange(std::string(1, kProofKey), std::string(1, kProofKey + 1));
    return Write(&batch);
  }

  void SetCondemned(const std::set<PackId>& packs) override {
    const std::lock_guard lock(mutex_);
    condemned_ = packs;
  }

  // One pass over all places: the packs' footers are gone with them.
  Status Drop(const std::set<PackId>& packs) override {
    rocksdb::WriteBatch batch;
    rocksdb::ReadOptions options;
    options.total_order_seek = true;
    options.fill_cache = false;
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options));
    for (it->Seek(std::string(1, kFrameKey)); it->Valid() && it->key()[0] == kFrameKey;
         it->Next()) {
      const ByteSpan value = AsBytes(it->value().ToStringView());
      if (value.size() < PackId::kSize) return Corruption("index: malformed place");
      if (packs.count(PackId::FromBytes(value.data())) == 0) continue;
      batch.Delete(it->key());
      if (batch.GetDataSize() < kDropBatchBytes) continue;
      VARVE_RETURN_IF_ERROR(Write(&batch));
      batch.Clear();
    }
    VARVE_RETURN_IF_ERROR(FromRocks(it->status(), "dropping packs"));
    // Last: an index that still lists them is known to be wrong.
    for (const PackId& pack : packs)
      batch.Delete(KeyOf(kPackKey, pack.span()));
    return Write(&batch);
  }

  Status MarkProved(const SnapshotId& snapshot) override {
    rocksdb::WriteBatch batch;
    batch.Put(KeyOf(kProofKey, snapshot.span()), "");
    return Write(&batch);
  }

  Result<bool> IsProved(const SnapshotId& snapshot) override {
    std::string value;
    const rocksdb::Status status =
        db_->Get(rocksdb::ReadOptions(), KeyOf(kProofKey, snapshot.span()), &value);
    if (status.IsNotFound()) return false;
    VARVE_RETURN_IF_ERROR(FromRocks(status, "proof"));
    return true;
  }

  Result<std::vector<PackId>> Packs() override {
    std::vector<PackId> packs;
    rocksdb::ReadOptions options;
    options.total_order_seek = true;
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options));
    for (it->Seek(std::string(1, kPackKey)); it->Valid(); it->Next()) {
      const ByteSpan key = AsBytes(it->key().ToStringView());
      if (key[0] != kPackKey) break;
      if (key.size() != 1 + PackId::kSize) return Corruption("index: malformed pack key");
      packs.push_back(PackId::FromBytes(key.data() + 1));
    }
    VARVE_RETURN_IF_ERROR(FromRocks(it->status(), "listing packs"));
    return packs;
  }

  Status Flush() override { return FromRocks(db_->Flush(rocksdb::FlushOptions()), "flush"); }

  Status CheckOwner(const RepositoryId& repository) {
    const std::string owner = kLayout + std::string(AsText(repository.span()));
    std::string found;
    const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), kOwnerKey, &found);
    if (status.IsNotFound() && mode_ == IndexMode::kWriter) {
      rocksdb::WriteBatch batch;
      batch.Put(kOwnerKey, owner);
      return Write(&batch);
    }
    VARVE_RETURN_IF_ERROR(FromRocks(status, "owner"));
    if (found != owner) return Corruption("index: belongs to another repository or layout");
    return {};
  }

 private:
  // Without a log: what a crash takes is the end of what was written, never something before it.
  Status Write(rocksdb::WriteBatch* batch) {
    rocksdb::WriteOptions options;
    options.disableWAL = true;
    return FromRocks(db_->Write(options, batch), "write");
  }

  void WriteSeal() {
    const std::string path = directory_ + "/" + kSealName;
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    const std::string text = SealText(directory_);
    uint8_t checksum[8];
    StoreLe(checksum, ComputeChecksum(AsBytes(text)));
    file << text << ToHex(checksum) << "\n";
  }

  const std::string directory_;
  std::mutex changing_;  // between reading what is there and writing what is to be there
  std::mutex mutex_;
  std::set<PackId> condemned_;  // guarded by mutex_
  std::unique_ptr<rocksdb::DB> db_;
  const IndexMode mode_;
};

// Compares the small files with the seal. No seal: the last writer did not close; nothing to say.
void VerifySeal(const std::string& directory, std::vector<std::string>* damage) {
  const std::string path = directory + "/" + kSealName;
  if (!std::filesystem::exists(path)) return;
  std::ifstream file(path, std::ios::binary);
  const std::string seal((std::istreambuf_iterator<char>(file)), {});
  const std::string text = SealText(directory);
  uint8_t checksum[8];
  StoreLe(checksum, ComputeChecksum(AsBytes(text)));
  if (seal != text + ToHex(checksum) + "\n") {
    damage->push_back("index/" + std::string(kSealName) +
                      ": the index's small files are not what their seal says");
  }
}

}  // namespace

Result<std::unique_ptr<Index>> OpenRocksIndex(const std::string& directory,
                                              const RepositoryId& repository, IndexMode mode) {
  rocksdb::Options options = MakeOptions();
  options.create_if_missing = mode == IndexMode::kWriter;
  rocksdb::DB* raw = nullptr;
  rocksdb::Status status;
  if (mode == IndexMode::kReader) {
    if (!std::filesystem::exists(directory + "/CURRENT")) return NotFound("index: is missing");
    status = rocksdb::DB::OpenForReadOnly(options, directory, &raw);
  } else {
    // RocksDB makes its files readable for everybody: the directory is not.
    if (mkdir(directory.c_str(), 0700) != 0 &&
        (errno != EEXIST || chmod(directory.c_str(), 0700) != 0)) {
      return Status::FromErrno(errno, "create " + directory);
    }
    std::error_code ignored;  // a seal says "closed since"; from now on it is not
    std::filesystem::remove(directory + "/" + kSealName, ignored);
    status = rocksdb::DB::Open(options, directory, &raw);
  }
  VARVE_RETURN_IF_ERROR(FromRocks(status, "open"));
  auto index = std::make_unique<RocksIndex>(directory, std::unique_ptr<rocksdb::DB>(raw), mode);
  VARVE_RETURN_IF_ERROR(index->CheckOwner(repository));
  return std::unique_ptr<Index>(std::move(index));
}

Status DestroyRocksIndex(const std::string& directory) {
  std::error_code error;
  std::filesystem::remove_all(directory, error);
  if (error) return Status::FromErrno(error.value(), "remove " + directory);
  return {};
}

Result<std::vector<std::string>> VerifyRocksIndex(const std::string& directory) {
  std::vector<std::string> damage;
  if (!std::filesystem::exists(directory + "/CURRENT")) return damage;
  VerifySeal(directory, &damage);
  rocksdb::DB* raw = nullptr;
  const rocksdb::Status opened = rocksdb::DB::OpenForReadOnly(MakeOptions(), directory, &raw);
  const std::unique_ptr<rocksdb::DB> db(raw);
  if (!opened.ok()) {
    damage.push_back("index: " + opened.ToString());
    return damage;
  }
  const rocksdb::Status tables = db->VerifyFileChecksums(rocksdb::ReadOptions());
  if (!tables.ok()) damage.push_back("index: " + tables.ToString());
  return damage;
}

}  // namespace varve
