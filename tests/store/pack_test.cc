// Packs as a whole: written, listed, read by footer, by frame headers, frame by frame, and scanned.
#include <gtest/gtest.h>

#include "base/fingerprint.h"
#include "sim/expect_status.h"
#include "sim/simulated_disk.h"
#include "sim/volume_bytes.h"
#include "store/frame_reader.h"
#include "store/frame_writer.h"
#include "store/memory_index.h"
#include "store/pack_reader.h"
#include "store/pack_writer.h"

namespace varve {
namespace {

constexpr size_t kFrames = 9;
constexpr size_t kFrameBytes = 5000;

class PackTest : public testing::Test {
 protected:
  PackTest() {
    repository_.bytes.fill(9);
    pack_.bytes.fill(0x5A);
    EXPECT_TRUE(IsOk(storage_.CreateDirectory("packs")));
    EXPECT_TRUE(IsOk(storage_.CreateDirectory("packs/5a")));
    Write();
  }

  static ContentId IdOf(size_t i) {
    ContentId id;
    id.bytes.fill(static_cast<uint8_t>(i + 1));
    return id;
  }
  bool IsDelta(size_t i) const { return frames_[i].info.encoding == Encoding::kDelta; }
  // Frame i stands alone if i is 0 or odd; the others are deltas of frame 0 where that pays.
  void Write() {
    FrameWriter writer(1);
    PackWriter pack(PackContent::kChunks, repository_, 1 << 20);
    pack.Begin(pack_);
    for (size_t i = 0; i < kFrames; ++i) {
      raw_.push_back(i == 0 || i % 2 == 1 ? VolumeBytes(i, kFrameBytes + i)
                                          : Edited(i, raw_[0], 1));
      FrameBatch batch(2 * kFrameBytes);
      const DeltaBase base{IdOf(0), raw_[0], kFrameBytes};
      ASSERT_TRUE(IsOk(writer.Append(ContentKind::kChunk, IdOf(i), raw_[i],
                                     i != 0 && i % 2 == 0 ? &base : nullptr, &batch)));
      ASSERT_TRUE(pack.Fits(batch.bytes().size(), 1));
      pack.Append(batch.bytes(), batch.frames());
    }
    frames_ = PlaceFrames(pack.frames());
    const auto bytes = pack.Finish();
    ASSERT_TRUE(IsOk(bytes));
    ASSERT_TRUE(IsOk(storage_.Publish(path_, *bytes)));
    ASSERT_TRUE(IsOk(index_.Add(pack_, frames_)));
    size_ = bytes->size();
  }

  // What each frame reads as.
  std::vector<FrameRequest> ReadAll(ReadDepth depth = ReadDepth::kDecoded) {
    FrameReader reader(storage_, index_);
    into_.assign(kFrames, Bytes(2 * kFrameBytes));
    std::vector<FrameRequest> requests(kFrames);
    for (size_t i = 0; i < kFrames; ++i) {
      requests[i].id = IdOf(i);
      requests[i].into = into_[i];
    }
    EXPECT_TRUE(IsOk(reader.ReadMany(requests, depth)));
    return requests;
  }
  bool IsRight(const FrameRequest& request, size_t i) const {
    return request.length == raw_[i].size() &&
           std::equal(raw_[i].begin(), raw_[i].end(), request.into.begin());
  }
  std::vector<PackDamage> Scan() {
    std::vector<PackDamage> damage;
    EXPECT_TRUE(IsOk(ScanPack(storage_, pack_, repository_,
                              [&](const PackDamage& found) { damage.push_back(found); })));
    return damage;
  }

  SimulatedDisk disk_;
  Storage storage_{disk_};
  MemoryIndex index_;
  RepositoryId repository_;
  PackId pack_;
  const std::string path_ = "packs/5a/5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
  std::vector<Bytes> raw_;
  std::vector<Bytes> into_;
  std::vector<PlacedFrame> frames_;
  uint64_t size_ = 0;
};

bool SameFrames(const std::vector<PlacedFrame>& a, const std::vector<PlacedFrame>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const PlacedFrame& x, const PlacedFrame& y) {
                      return x.offset == y.offset && x.info == y.info;
                    });
}

TEST_F(PackTest, FooterTellsWhatWasWrittenAndEveryFrameDecodes) {
  EXPECT_EQ(PackPath(pack_), path_);
  const auto frames = ReadPackFrames(storage_, pack_, repository_);
  ASSERT_TRUE(IsOk(frames));
  EXPECT_TRUE(SameFrames(*frames, frames_));
  EXPECT_TRUE(Scan().empty());
  const auto requests = ReadAll();
  for (size_t i = 0; i < kFrames; ++i) {
    EXPECT_TRUE(IsOk(requests[i].status));
    EXPECT_TRUE(requests[i].checked);
    EXPECT_TRUE(IsRight(requests[i], i));
  }
  for (const FrameRequest& request : ReadAll(ReadDepth::kStored))
    EXPECT_TRUE(IsOk(request.status));
}

TEST_F(PackTest, FrameHeadersTellTheSameWhenTheEndIsDamagedOrGone) {
  const Bytes good = disk_.Content(path_);
  for (const uint64_t back : {1, 60, 64, 65, 300}) {
    SCOPED_TRACE(std::to_string(back) + " from the end");
    disk_.SetContent(path_, good);
    disk_.FlipBit(path_, (size_ - back) * 8);
    auto frames = ReadPackFrames(storage_, pack_, repository_);
    ASSERT_TRUE(IsOk(frames));
    EXPECT_TRUE(SameFrames(*frames, frames_));
    disk_.SetContent(path_, good);
    disk_.Truncate(path_, size_ - back);
    frames = ReadPackFrames(storage_, pack_, repository_);
    ASSERT_TRUE(IsOk(frames));
    EXPECT_TRUE(SameFrames(*frames, frames_));
  }
  disk_.SetContent(path_, good);
  disk_.InjectFault({.nth = 2, .matches = [](const Operation& operation) {
                       return operation.kind == OperationKind::kRead;
                     }});
  const auto frames = ReadPackFrames(storage_, pack_, repository_);
  ASSERT_TRUE(IsOk(frames)) << "EIO at the trailer";
  EXPECT_TRUE(SameFrames(*frames, frames_));
}

TEST_F(PackTest, PackOfAnotherRepositoryOrNameIsRefused) {
  RepositoryId other;
  other.bytes.fill(8);
  EXPECT_TRUE(HasCode(ReadPackFrames(storage_, pack_, other), Code::kCorruption));
  PackId renamed = pack_;
  renamed.bytes[15] = 1;
  disk_.CopyOver(path_, PackPath(renamed));
  EXPECT_TRUE(HasCode(ReadPackFrames(storage_, renamed, repository_), Code::kCorruption));
  PackId missing;
  missing.bytes.fill(0x5A);
  missing.bytes[1] = 0;
  EXPECT_TRUE(HasCode(ReadPackFrames(storage_, missing, repository_), Code::kNotFound));
}

TEST_F(PackTest, ListingTellsPacksFromStrangers) {
  disk_.SetContent("packs/5a/readme", Bytes(3));
  disk_.SetContent("packs/5a/11111111111111111111111111111111", Bytes(3));  // in another's place
  disk_.SetContent("packs/5a/" + pack_.Hex() + ".7.tmp", Bytes(3));
  disk_.SetContent("packs/stray", Bytes(3));
  std::vector<std::string> strangers;
  const auto packs = ListPacks(storage_, &strangers);
  ASSERT_TRUE(IsOk(packs));
  ASSERT_EQ(packs->size(), 1U);
  EXPECT_EQ((*packs)[0].id, pack_);
  EXPECT_EQ((*packs)[0].size_bytes, size_);
  EXPECT_EQ(strangers.size(), 3U);
}

TEST_F(PackTest, EveryFlippedByteIsFoundWhereItIs) {
  for (uint64_t at = 0; at < size_; ++at) {
    disk_.FlipBit(path_, at * 8 + at % 8);
    const auto damage = Scan();
    ASSERT_EQ(damage.size(), 1U) << "byte " << at;
    const uint64_t footer = frames_.back().offset + frames_.back().info.FrameBytes();
    const uint64_t trailer = size_ - kPackTrailerBytes;
    uint64_t where = at < kPackHeaderBytes ? 0 : at < trailer ? footer : trailer;
    for (const PlacedFrame& frame : frames_) {
      if (at >= frame.offset && at < frame.offset + frame.info.FrameBytes()) where = frame.offset;
    }
    EXPECT_EQ(damage[0].offset, where) << "byte " << at;
    disk_.FlipBit(path_, at * 8 + at % 8);
  }
  EXPECT_TRUE(Scan().empty());
}

TEST_F(PackTest, FrameWithADamagedHeaderIsReadByTheFooter) {
  for (const size_t hurt : {size_t{0}, size_t{1}, size_t{4}}) {
    for (uint64_t byte = 0; byte < frames_[hurt].info.HeaderBytes(); ++byte) {
      disk_.FlipBit(path_, (frames_[hurt].offset + byte) * 8);
      const auto requests = ReadAll();
      for (size_t i = 0; i < kFrames; ++i) {
        ASSERT_TRUE(IsOk(requests[i].status)) << "header byte " << byte;
        EXPECT_TRUE(IsRight(requests[i], i));
        const bool stands_on_it = hurt == 0 && IsDelta(i);
        EXPECT_EQ(requests[i].checked, i != hurt && !stands_on_it) << i;
      }
      EXPECT_TRUE(HasCode(ReadAll(ReadDepth::kStored)[hurt].status, Code::kCorruption));
      disk_.FlipBit(path_, (frames_[hurt].offset + byte) * 8);
    }
  }
}

TEST_F(PackTest, DamagedBytesFailTheirFrameAndWhatStandsOnIt) {
  disk_.FlipBit(path_, (frames_[0].offset + kFrameHeaderBytes + 5) * 8);
  auto requests = ReadAll();
  for (size_t i = 0; i < kFrames; ++i) {
    const bool is_hurt = i == 0 || IsDelta(i);
    EXPECT_TRUE(HasCode(requests[i].status, is_hurt ? Code::kCorruption : Code::kOk)) << i;
  }
  ASSERT_TRUE(IsDelta(2));
  EXPECT_TRUE(Mentions(requests[2].status, "base of chunk"));
}

TEST_F(PackTest, FrameThatCannotBeReadLeavesItsNeighboursReadable) {
  // The run fails as a whole, then each of its frames is read for itself: the third gives EIO.
  uint64_t reads = 0;
  disk_.InjectFault({.sticky = true, .matches = [&](const Operation& operation) {
                       if (operation.kind != OperationKind::kRead) return false;
                       ++reads;
                       return reads == 1 || reads == 4;
                     }});
  const auto requests = ReadAll();
  for (size_t i = 0; i < kFrames; ++i) {
    EXPECT_TRUE(HasCode(requests[i].status, i == 2 ? Code::kIo : Code::kOk)) << i;
  }
}

TEST_F(PackTest, UnknownAndVanishedFramesSayWhatIsMissing) {
  FrameReader reader(storage_, index_);
  Bytes into(100);
  FrameRequest request;
  request.id = IdOf(100);
  request.into = into;
  ASSERT_TRUE(IsOk(reader.ReadMany({&request, 1})));
  EXPECT_TRUE(HasCode(request.status, Code::kCorruption));
  EXPECT_TRUE(Mentions(request.status, IdOf(100).Hex()));
  disk_.Erase(path_);
  for (const FrameRequest& gone : ReadAll())
    EXPECT_FALSE(gone.status.ok());
}

TEST_F(PackTest, FrameOfAnotherKindOrTooLargeForItsPlaceIsCorruption) {
  FrameReader reader(storage_, index_);
  Bytes into(2 * kFrameBytes);
  FrameRequest request;
  request.id = IdOf(1);
  request.into = into;
  request.kind = ContentKind::kLeaf;
  ASSERT_TRUE(IsOk(reader.ReadMany({&request, 1})));
  EXPECT_TRUE(HasCode(request.status, Code::kCorruption));
  request.kind = ContentKind::kChunk;
  request.into = MutableByteSpan(into).first(kFrameBytes);
  ASSERT_TRUE(IsOk(reader.ReadMany({&request, 1})));
  EXPECT_TRUE(HasCode(request.status, Code::kCorruption));
}

}  // namespace
}  // namespace varve
