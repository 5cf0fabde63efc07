// Damage to a small repository with deltas, shared subtrees and several packs: every bit of its
// metadata, one bit per 512 bytes of stored data, truncations, zeroed sectors, swapped, replayed
// and duplicated objects. All of it is found and located; nothing is found where nothing is
// damaged; no wrong byte is ever handed out.
//
// Every mutation is put before the reader of its object. Every VARVE_DAMAGE_STRIDE-th (default 97)
// goes through the whole of check and through a read of every chunk of every snapshot, too: what
// check calls hurt must be exactly what cannot be read.
#include <gtest/gtest.h>

#include <functional>

#include "restore/snapshot_reader.h"
#include "sim/expect_status.h"
#include "sim/sample_size.h"
#include "sim/simulated_machine.h"
#include "sim/volume_bytes.h"
#include "store/pack_reader.h"

namespace varve {
namespace {

constexpr size_t kVolumeBytes = 3 * 64 * kTestChunkBytes + 777;

PackId PackOf(const std::string& path) {
  PackId id;
  EXPECT_TRUE(PackId::Parse(path.substr(path.rfind('/') + 1), &id));
  return id;
}

class DamageTest : public testing::Test {
 protected:
  DamageTest() {
    EXPECT_TRUE(IsOk(start_.Create()));
    Bytes content = VolumeBytes(1, kVolumeBytes);
    for (uint64_t seed = 2; seed < 5; ++seed) {
      const auto report = start_.Take(content);
      EXPECT_TRUE(IsOk(report));
      if (report.ok()) committed_[report->record.id] = content;
      content = Edited(seed, content, 12);
    }
    const auto repository = start_.Open(OpenMode::kRead);
    EXPECT_TRUE(IsOk(repository));
    config_ = (*repository)->config();
    work_ = std::make_unique<SimulatedMachine>(2, start_.disk().Clone(), start_.local().Clone());
  }
  ~DamageTest() override {
    std::printf("%zu mutations, %zu of them through check and every chunk\n", mutations_, whole_);
  }

  // Bits of metadata from one that is flipped to the next.
  const uint64_t step_ = SampleSize("VARVE_DAMAGE_STEP", 1, 5);
  const uint64_t stride_ = SampleSize("VARVE_DAMAGE_STRIDE", 97, 97);

  // The reader of the object at `path` looks at it: true if it sees damage.
  bool IsFound(SimulatedDisk& disk, const std::string& path) {
    Storage storage(disk);
    if (path.starts_with("packs/")) {
      size_t found = 0;
      const Status status =
          ScanPack(storage, PackOf(path), config_.id, [&](const PackDamage&) { ++found; });
      return !status.ok() || found > 0;
    }
    const Result<Bytes> object = storage.ReadSmall(path, kSmallObjectMax);
    if (!object.ok()) return true;
    if (path.starts_with("config")) {
      const Result<RepositoryConfig> config = DecodeConfig(path, *object);
      return !config.ok() || config->id != config_.id;
    }
    SnapshotId id;
    EXPECT_TRUE(SnapshotId::Parse(path.substr(path.rfind('/') + 1), &id));
    return !DecodeSnapshotRecord(path, *object, config_.id, id).ok();
  }

  // One mutation of the object at `path`, made by `damage` on a disk of its own.
  void Mutate(const std::string& path, const std::string& what,
              const std::function<void(SimulatedDisk&)>& damage) {
    if (HasFailure()) return;
    ++mutations_;
    damage(work_->disk());
    if (!IsFound(work_->disk(), path)) ADD_FAILURE() << path << ": " << what << " is not found";
    if (mutations_ % stride_ == 0) {
      SCOPED_TRACE(path + ": " + what);
      CheckAll(path);
    }
    Restore(path);
  }
  void Restore(const std::string& path) {
    work_->disk().SetContent(path, start_.disk().Content(path));
  }

  // Check finds it, names the object, and calls hurt exactly what cannot be read.
  void CheckAll(const std::string& path) {
    ++whole_;
    SimulatedMachine machine(9, work_->disk().Clone(), start_.local().Clone());
    const auto report = machine.Check();
    if (!report.ok()) {  // not even the configuration is left: nothing to check then
      EXPECT_TRUE(path.starts_with("config")) << report.status().message();
      return;
    }
    EXPECT_FALSE(report->clean());
    const std::string name = path.substr(path.rfind('/') + 1);
    EXPECT_FALSE(report->findings.empty());
    for (const CheckFinding& finding : report->findings) {
      EXPECT_NE(finding.object.find(name), std::string::npos) << "a false alarm: " << finding.what;
    }
    std::map<SnapshotId, std::vector<HurtRange>> hurt;
    for (const HurtSnapshot& snapshot : report->hurt)
      hurt[snapshot.id] = snapshot.ranges;
    for (const auto& [id, content] : committed_) {
      if (path == SnapshotPath(id)) continue;
      ReadEveryChunk(machine, id, content, hurt[id]);
    }
  }

  void ReadEveryChunk(SimulatedMachine& machine, const SnapshotId& id, const Bytes& content,
                      const std::vector<HurtRange>& hurt) {
    const auto repository = machine.Open(OpenMode::kRead);
    ASSERT_TRUE(IsOk(repository));
    const auto record = (*repository)->Snapshot(id);
    ASSERT_TRUE(IsOk(record));
    const auto reader = SnapshotReader::Open(**repository, *record, 1 << 20);
    ASSERT_TRUE(IsOk(reader));
    Bytes into(kTestChunkBytes);
    for (uint64_t at = 0; at < content.size(); at += kTestChunkBytes) {
      const size_t length = std::min<uint64_t>(kTestChunkBytes, content.size() - at);
      const bool is_hurt = std::any_of(hurt.begin(), hurt.end(), [&](const HurtRange& range) {
        return range.begin <= at && at < range.end;
      });
      const Status read = (*reader)->ReadAt(at, MutableByteSpan(into).first(length));
      EXPECT_EQ(read.ok(), !is_hurt) << "chunk at " << at << ": " << read.message();
      if (read.ok()) {
        EXPECT_TRUE(std::equal(into.begin(), into.begin() + static_cast<ptrdiff_t>(length),
                               content.begin() + static_cast<ptrdiff_t>(at)))
            << "WRONG BYTES at " << at;
      }
    }
  }

  void FlipEveryBit(const std::string& path, uint64_t begin, uint64_t end) {
    for (uint64_t bit = begin * 8; bit < end * 8; bit += step_) {
      Mutate(path, "bit " + std::to_string(bit),
             [&](SimulatedDisk& disk) { disk.FlipBit(path, bit); });
    }
  }
  std::vector<std::string> SmallObjects() const {
    std::vector<std::string> paths = {kConfigPath, kConfigCopyPath};
    for (const auto& [id, content] : committed_)
      paths.push_back(SnapshotPath(id));
    return paths;
  }
  std::vector<std::string> AllPacks() const {
    std::vector<std::string> paths = start_.Packs(PackContent::kChunks);
    for (const std::string& path : start_.Packs(PackContent::kNodes))
      paths.push_back(path);
    return paths;
  }

  SimulatedMachine start_;
  Committed committed_;
  RepositoryConfig config_;
  // A copy that one mutation at a time is made in.
  std::unique_ptr<SimulatedMachine> work_;
  size_t mutations_ = 0;
  size_t whole_ = 0;
};

TEST_F(DamageTest, UndamagedIsClean) {
  const auto report = work_->Check();
  ASSERT_TRUE(IsOk(report));
  EXPECT_TRUE(report->clean()) << Describe(*report);
}

TEST_F(DamageTest, EveryBitOfSmallObjects) {
  for (const std::string& path : SmallObjects()) {
    FlipEveryBit(path, 0, start_.disk().Content(path).size());
  }
}

TEST_F(DamageTest, EveryBitOfNodePacks) {
  for (const std::string& path : start_.Packs(PackContent::kNodes)) {
    FlipEveryBit(path, 0, start_.disk().Content(path).size());
  }
}

TEST_F(DamageTest, EveryBitOfChunkPacksButTheStoredBytesAndOnePer512OfThose) {
  Storage storage(start_.disk());
  for (const std::string& path : start_.Packs(PackContent::kChunks)) {
    const auto frames = ReadPackFrames(storage, PackOf(path), config_.id);
    ASSERT_TRUE(IsOk(frames));
    FlipEveryBit(path, 0, kPackHeaderBytes);
    uint64_t end = kPackHeaderBytes;
    for (const PlacedFrame& frame : *frames) {
      const uint64_t stored = frame.offset + frame.info.HeaderBytes();
      end = frame.offset + frame.info.FrameBytes();
      FlipEveryBit(path, frame.offset, stored);
      for (uint64_t at = stored; at < end; at += kSectorBytes) {
        const uint64_t bit = at * 8 + mutations_ % 8;
        Mutate(path, "bit " + std::to_string(bit),
               [&](SimulatedDisk& disk) { disk.FlipBit(path, bit); });
      }
    }
    FlipEveryBit(path, end, start_.disk().Content(path).size());
  }
}

TEST_F(DamageTest, TruncationsAndZeroedSectors) {
  std::vector<std::string> paths = AllPacks();
  for (const std::string& path : SmallObjects())
    paths.push_back(path);
  for (const std::string& path : paths) {
    const Bytes content = start_.disk().Content(path);
    const size_t step = path.starts_with("packs/") ? 61 : 1;
    for (uint64_t size = 0; size < content.size(); size += step) {
      Mutate(path, "truncation to " + std::to_string(size),
             [&](SimulatedDisk& disk) { disk.Truncate(path, size); });
    }
    Mutate(path, "a byte more",
           [&](SimulatedDisk& disk) { disk.Truncate(path, content.size() + 1); });
    for (uint64_t sector = 0; sector * kSectorBytes < content.size(); ++sector) {
      Mutate(path, "sector " + std::to_string(sector) + " zeroed",
             [&](SimulatedDisk& disk) { disk.ZeroSector(path, sector); });
    }
  }
}

TEST_F(DamageTest, SwappedReplayedAndMissingObjects) {
  std::vector<std::string> paths = AllPacks();
  for (const auto& [id, content] : committed_)
    paths.push_back(SnapshotPath(id));
  for (const std::string& path : paths) {
    for (const std::string& other : paths) {
      if (path == other || path.starts_with("packs/") != other.starts_with("packs/")) continue;
      Mutate(path, "replaced by " + other,
             [&](SimulatedDisk& disk) { disk.CopyOver(other, path); });
    }
  }
  // Lost packs have no reader that could see it; check must.
  for (const std::string& path : AllPacks()) {
    SimulatedMachine machine(3, start_.disk().Clone(), start_.local().Clone());
    machine.disk().Erase(path);
    const auto report = machine.Check();
    ASSERT_TRUE(IsOk(report));
    EXPECT_FALSE(report->hurt.empty()) << path;
    std::map<SnapshotId, std::vector<HurtRange>> hurt;
    for (const HurtSnapshot& snapshot : report->hurt)
      hurt[snapshot.id] = snapshot.ranges;
    for (const auto& [id, content] : committed_)
      ReadEveryChunk(machine, id, content, hurt[id]);
    ++mutations_;
  }
}

// A copy of a pack under another id, and a pack of another repository with good checksums.
TEST_F(DamageTest, DuplicatedAndForeignPacks) {
  SimulatedMachine other(77);
  ASSERT_TRUE(IsOk(other.Create()));
  ASSERT_TRUE(IsOk(other.Take(VolumeBytes(1, kVolumeBytes))));
  const std::string ours = AllPacks()[0];
  const std::string theirs = other.Packs(PackContent::kChunks)[0];
  const std::string copy = ours.substr(0, ours.size() - 1) + (ours.back() == '0' ? '1' : '0');
  for (const bool is_foreign : {false, true}) {
    SimulatedMachine machine(3, start_.disk().Clone(), start_.local().Clone());
    if (is_foreign) {
      machine.disk().SetContent(theirs, other.disk().Content(theirs));
    } else {
      machine.disk().CopyOver(ours, copy);
    }
    const auto report = machine.Check();
    ASSERT_TRUE(IsOk(report));
    EXPECT_FALSE(report->findings.empty());
    const std::string added = is_foreign ? theirs : copy;
    for (const CheckFinding& finding : report->findings) {
      EXPECT_NE(finding.object.find(added.substr(9)), std::string::npos) << finding.what;
    }
    EXPECT_TRUE(report->hurt.empty()) << Describe(*report);
    for (const auto& [id, content] : committed_) {
      const auto bytes = machine.ReadBack(id);
      ASSERT_TRUE(IsOk(bytes));
      EXPECT_TRUE(*bytes == content);
    }
  }
}

}  // namespace
}  // namespace varve
