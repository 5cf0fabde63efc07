// Random histories of small volumes against a model that keeps every byte: volumes are edited,
// grow, shrink, become sparse or empty; snapshots are taken with all sorts of options while the
// index gets lost now and then. Every snapshot is read three ways: as a whole, in ranges, and in
// place over something else.
//
// VARVE_HISTORIES (default 300), VARVE_SEED (default 1): a failure prints the seed of its history.
#include <gtest/gtest.h>

#include "restore/snapshot_reader.h"
#include "sim/expect_status.h"
#include "sim/sample_size.h"
#include "sim/simulated_machine.h"
#include "sim/volume_bytes.h"

namespace varve {
namespace {

constexpr size_t kVolumeBytesMax = 5 * 64 * size_t{kTestChunkBytes};

class History {
 public:
  explicit History(uint64_t seed) : random_(seed), machine_(seed) {
    chunk_bytes_ = kChunkSizeMin << Pick(3);
  }

  void Run() {
    ASSERT_TRUE(IsOk(machine_.Create(chunk_bytes_)));
    const size_t volumes = 1 + Pick(2);
    for (size_t v = 0; v < volumes; ++v)
      volumes_.push_back(VolumeBytes(random_(), NewSize()));
    const size_t steps = 3 + Pick(6);
    for (size_t step = 0; step < steps && !testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      const size_t v = Pick(volumes_.size());
      Change(&volumes_[v]);
      Take(v);
      if (Pick(5) == 0) machine_.local().LoseIndex();
    }
    for (const auto& [id, content] : committed_) {
      SCOPED_TRACE("snapshot " + id.Short());
      ReadThreeWays(id, content);
    }
    const auto report = machine_.Check();
    ASSERT_TRUE(IsOk(report));
    EXPECT_TRUE(report->clean()) << Describe(*report);
  }

  size_t snapshots() const { return committed_.size(); }

 private:
  size_t Pick(size_t below) { return random_() % below; }

  size_t NewSize() {
    switch (Pick(5)) {
      case 0:
        return Pick(3) * chunk_bytes_ + Pick(2);  // empty, one byte, one chunk, one more
      case 1:
        return (1 + Pick(3)) * 64 * kTestChunkBytes;
      default:
        return Pick(kVolumeBytesMax);
    }
  }

  void Change(Bytes* volume) {
    switch (Pick(8)) {
      case 0:
        break;  // unchanged
      case 1:
        volume->resize(NewSize());  // grows by zeros, or shrinks
        break;
      case 2: {  // a stretch becomes zero
        if (volume->empty()) break;
        const size_t begin = Pick(volume->size());
        const size_t end = begin + Pick(volume->size() - begin);
        std::fill(volume->begin() + static_cast<ptrdiff_t>(begin),
                  volume->begin() + static_cast<ptrdiff_t>(end), uint8_t{0});
        break;
      }
      case 3: {  // a stretch moves: equal chunks elsewhere, equal bytes at another alignment
        if (volume->size() < 100) break;
        const size_t length = Pick(volume->size() / 2);
        const Bytes piece(volume->begin(), volume->begin() + static_cast<ptrdiff_t>(length));
        std::copy(piece.begin(), piece.end(),
                  volume->begin() + static_cast<ptrdiff_t>(Pick(volume->size() - length)));
        break;
      }
      default:
        *volume = Edited(random_(), *volume, 1 + Pick(60));
    }
  }

  void Take(size_t v) {
    SnapshotOptions options = SimulatedMachine::SmallOptions("volume-" + std::to_string(v));
    options.workers = 1 + static_cast<unsigned>(Pick(3));
    options.audit = Pick(4) == 0;
    constexpr int kLevels[] = {-3, 1, 1, 6};
    options.compression_level = kLevels[Pick(4)];
    if (Pick(2) == 0) options.chunk_pack_bytes = kDataPackTarget;
    const SimulatedBlockDevice device(volumes_[v]);
    const auto holes =
        Pick(2) == 0 ? SimulatedVolume::Holes::kNone : SimulatedVolume::Holes::kZeroBlocks;
    const auto report = machine_.TakeFrom(SimulatedVolume(device, holes), options);
    ASSERT_TRUE(IsOk(report));
    EXPECT_EQ(report->audit_misses, 0U);
    EXPECT_EQ(report->frames_lost, 0U);
    committed_[report->record.id] = volumes_[v];
    latest_ = report->record.id;
  }

  void ReadThreeWays(const SnapshotId& id, const Bytes& content) {
    const auto whole = machine_.ReadBack(id);
    ASSERT_TRUE(IsOk(whole));
    ASSERT_TRUE(*whole == content);
    // In place, over what another snapshot may have held.
    Bytes other = volumes_[Pick(volumes_.size())];
    other.resize(content.size());
    SimulatedBlockDevice device(std::move(other));
    const auto report = machine_.RestoreInPlace(id, device);
    ASSERT_TRUE(IsOk(report));
    ASSERT_TRUE(device.Content() == content);
    const auto again = machine_.RestoreInPlace(id, device);
    ASSERT_TRUE(IsOk(again));
    EXPECT_EQ(again->bytes_written + again->bytes_zeroed, 0U) << "it was equal already";
    ReadRanges(id, content);
  }

  void ReadRanges(const SnapshotId& id, const Bytes& content) {
    const auto repository = machine_.Open(OpenMode::kRead);
    ASSERT_TRUE(IsOk(repository));
    const auto record = (*repository)->Snapshot(id);
    ASSERT_TRUE(IsOk(record));
    const auto reader = SnapshotReader::Open(**repository, *record, 1 << 20);
    ASSERT_TRUE(IsOk(reader));
    Bytes into;
    for (int i = 0; i < 12; ++i) {
      const size_t offset = Pick(content.size() + 1);
      const size_t length = Pick(content.size() - offset + 1);
      into.assign(length, 0xEE);
      ASSERT_TRUE(IsOk((*reader)->ReadAt(offset, into)));
      ASSERT_TRUE(
          std::equal(into.begin(), into.end(), content.begin() + static_cast<ptrdiff_t>(offset)))
          << offset << "+" << length;
    }
    for (uint64_t at = 0; at < content.size();) {
      const auto extent = (*reader)->NextExtent(at);
      ASSERT_TRUE(IsOk(extent));
      ASSERT_GT(extent->end, at);
      if (!extent->is_data) {
        EXPECT_TRUE(IsAllZero(ByteSpan(content).subspan(at, extent->end - at)));
      }
      at = extent->end;
    }
  }

  std::mt19937_64 random_;
  SimulatedMachine machine_;
  uint32_t chunk_bytes_ = 0;
  std::vector<Bytes> volumes_;
  Committed committed_;
  SnapshotId latest_;
};

TEST(FidelityTest, RandomHistoriesReadBackAsTheModelSays) {
  const uint64_t first = FirstSeed();
  const uint64_t histories = SampleSize("VARVE_HISTORIES", 300, 100);
  size_t snapshots = 0;
  for (uint64_t seed = first; seed < first + histories; ++seed) {
    SCOPED_TRACE("VARVE_SEED=" + std::to_string(seed) + " VARVE_HISTORIES=1 replays it");
    History history(seed);
    history.Run();
    snapshots += history.snapshots();
    if (HasFailure()) return;
  }
  std::printf("%llu histories from seed %llu, %zu snapshots, each read three ways\n",
              static_cast<unsigned long long>(histories), static_cast<unsigned long long>(first),
              snapshots);
}

}  // namespace
}  // namespace varve
