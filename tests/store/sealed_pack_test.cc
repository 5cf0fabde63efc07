// Sealed packs: written, read, and refused when anything about a frame is not as it was.
#include <gtest/gtest.h>

#include <optional>
#include <set>

#include "base/content_hasher.h"
#include "base/fingerprint.h"
#include "codec/repository_sealing.h"
#include "format/sample_objects.h"
#include "sim/expect_status.h"
#include "sim/random_bytes.h"
#include "sim/seeded_random.h"
#include "sim/simulated_disk.h"
#include "store/frame_opener.h"
#include "store/frame_reader.h"
#include "store/memory_index.h"
#include "store/pack_reader.h"
#include "store/pack_writer.h"

namespace varve {
namespace {

constexpr size_t kFrames = 5;

class SealedPack : public testing::Test {
 protected:
  SealedPack() {
    storage_.SetSealing(sealing_.get());
    EXPECT_TRUE(IsOk(storage_.CreateDirectory("packs")));
    pack_ = Write();
    stored_ = disk_.Content(PackPath(pack_));
    const auto frames = ReadPackFrames(storage_, pack_, repository_);
    EXPECT_TRUE(IsOk(frames));
    frames_ = *frames;
  }

  // A pack of the same raw frames each time, under a new id.
  PackId Write() {
    PackWriter writer(PackContent::kChunks, repository_, kMiB, storage_.sealing());
    EXPECT_TRUE(IsOk(writer.Begin(random_)));
    for (size_t i = 0; i < kFrames; ++i) {
      const Bytes raw = Raw(i);
      FrameInfo info;
      info.raw_length = info.stored_length = static_cast<uint32_t>(raw.size());
      info.id = hasher_.Compute(ContentKind::kChunk, raw);
      Bytes frame(info.FrameBytes());
      EncodeFrameHeader(info, ComputeChecksum(raw), frame.data());
      std::copy(raw.begin(), raw.end(), frame.begin() + kFrameHeaderBytes);
      writer.Append(frame, {&info, 1});
    }
    const Result<ByteSpan> bytes = writer.Finish();
    EXPECT_TRUE(IsOk(bytes));
    EXPECT_TRUE(IsOk(storage_.CreateDirectory("packs/" + writer.id().Hex().substr(0, 2))));
    EXPECT_TRUE(IsOk(storage_.Publish(PackPath(writer.id()), *bytes)));
    return writer.id();
  }

  static Bytes Raw(size_t i) {
    // Two frames of the same length, so that they can change places.
    return RandomBytes(i, i < 2 ? 300 : 100 * i);
  }
  Bytes StoredOf(size_t i) const {
    const PlacedFrame& placed = frames_[i];
    const auto begin =
        stored_.begin() + static_cast<ptrdiff_t>(placed.offset + placed.info.HeaderBytes());
    return Bytes(begin, begin + placed.info.stored_length);
  }
  Status Open(const PackId& pack, const PlacedFrame& placed, Bytes stored) {
    return opener_->Open(pack, placed, stored).status();
  }
  // Every frame through the index, as restore reads it.
  std::vector<Status> ReadAll() {
    MemoryIndex index;
    EXPECT_TRUE(IsOk(index.Add(pack_, frames_)));
    FrameReader reader(storage_, index);
    std::vector<FrameRequest> requests(kFrames);
    std::vector<Bytes> raw(kFrames);
    for (size_t i = 0; i < kFrames; ++i) {
      raw[i].resize(Raw(i).size());
      requests[i].id = frames_[i].info.id;
      requests[i].into = raw[i];
    }
    EXPECT_TRUE(IsOk(reader.ReadMany(requests)));
    std::vector<Status> statuses;
    for (size_t i = 0; i < kFrames; ++i) {
      statuses.push_back(requests[i].status);
      EXPECT_TRUE(!requests[i].status.ok() || raw[i] == Raw(i));
    }
    return statuses;
  }

  SeededRandom random_{1};
  const Secret master_ = Secret::Copy(RandomBytes(1, kMasterKeyBytes));
  const RepositoryId repository_ = SampleConfig().id;
  const std::unique_ptr<Sealing> sealing_ = NewRepositorySealing(master_, repository_, random_);
  ContentHasher hasher_{SampleConfig().id_key};
  SimulatedDisk disk_;
  Storage storage_{disk_};
  std::optional<FrameOpener> opener_{storage_};
  PackId pack_;
  Bytes stored_;
  std::vector<PlacedFrame> frames_;
};

TEST_F(SealedPack, FramesComeBack) {
  for (const Status& status : ReadAll())
    EXPECT_TRUE(IsOk(status));
}

TEST_F(SealedPack, ADamagedHeaderDoesNotLoseTheKey) {
  for (const size_t byte : {size_t{0}, size_t{50}, size_t{90}}) {
    disk_.FlipBit(PackPath(pack_), byte * 8);
    opener_.emplace(storage_);
    for (const Status& status : ReadAll())
      EXPECT_TRUE(IsOk(status));
    disk_.FlipBit(PackPath(pack_), byte * 8);
  }
  // Header and footer both: the frames are lost, and nothing else happens.
  disk_.FlipBit(PackPath(pack_), 50 * 8);
  disk_.FlipBit(PackPath(pack_), (stored_.size() - kPackTrailerBytes - 1) * 8);
  for (const Status& status : ReadAll())
    EXPECT_TRUE(HasCode(status, Code::kCorruption));
}

TEST_F(SealedPack, EveryFlippedBitOfASealedFrameIsRefused) {
  const Bytes stored = StoredOf(1);
  for (size_t bit = 0; bit < stored.size() * 8; ++bit) {
    Bytes changed = stored;
    changed[bit / 8] = static_cast<uint8_t>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_TRUE(HasCode(Open(pack_, frames_[1], changed), Code::kCorruption)) << "bit " << bit;
  }
  EXPECT_TRUE(IsOk(Open(pack_, frames_[1], stored)));
}

TEST_F(SealedPack, WhatAFrameIsAndWhereItLiesIsBound) {
  const PlacedFrame good = frames_[0];
  std::vector<PlacedFrame> forged(6, good);
  forged[0].offset += 1;
  forged[1].info.kind = ContentKind::kLeaf;
  forged[2].info.encoding = Encoding::kZstd;
  forged[3].info.raw_length += 1;
  forged[4].info.id.bytes[7] ^= 1;
  forged[5].info.base.bytes[0] = 1;
  for (size_t i = 0; i < forged.size(); ++i)
    EXPECT_TRUE(HasCode(Open(pack_, forged[i], StoredOf(0)), Code::kCorruption)) << i;
  PlacedFrame cut = good;
  cut.info.stored_length -= 1;
  Bytes shorter = StoredOf(0);
  shorter.pop_back();
  EXPECT_TRUE(HasCode(Open(pack_, cut, shorter), Code::kCorruption));
  PlacedFrame in_the_clear = good;
  in_the_clear.info.sealed = false;
  EXPECT_TRUE(Mentions(Open(pack_, in_the_clear, StoredOf(0)), "is in the clear"));
}

TEST_F(SealedPack, SwappedFramesAreRefused) {
  ASSERT_EQ(frames_[0].info.stored_length, frames_[1].info.stored_length);
  EXPECT_TRUE(HasCode(Open(pack_, frames_[0], StoredOf(1)), Code::kCorruption));
  PlacedFrame moved = frames_[1];  // with its own header, at the other's place
  moved.offset = frames_[0].offset;
  EXPECT_TRUE(HasCode(Open(pack_, moved, StoredOf(1)), Code::kCorruption));
}

TEST_F(SealedPack, APackUnderAnotherNameIsRefused) {
  const PackId other = Write();
  EXPECT_TRUE(HasCode(Open(other, frames_[0], StoredOf(0)), Code::kCorruption));
  disk_.CopyOver(PackPath(pack_), PackPath(other));
  opener_.emplace(storage_);
  EXPECT_TRUE(HasCode(Open(other, frames_[0], StoredOf(0)), Code::kCorruption));
  EXPECT_TRUE(HasCode(ReadPackFrames(storage_, other, repository_), Code::kCorruption));
}

TEST_F(SealedPack, NoNonceComesTwiceUnderAKey) {
  std::set<std::pair<std::string, uint64_t>> used;  // salt and place
  std::set<std::string> texts;
  for (int i = 0; i < 50; ++i) {
    const PackId id = i == 0 ? pack_ : Write();
    const Result<PackSalt> salt = ReadPackSalt(storage_, id);
    ASSERT_TRUE(IsOk(salt));
    const auto frames = ReadPackFrames(storage_, id, repository_);
    ASSERT_TRUE(IsOk(frames));
    const Bytes pack = disk_.Content(PackPath(id));
    for (const PlacedFrame& frame : *frames) {
      EXPECT_TRUE(used.emplace(ToHex(*salt), frame.offset).second);
      const ByteSpan text = ByteSpan(pack).subspan(frame.offset + kFrameHeaderBytes, 64);
      EXPECT_TRUE(texts.insert(ToHex(text)).second) << "the same bytes sealed to the same bytes";
    }
  }
}

TEST_F(SealedPack, StoredBytesAreScannedWithoutTheKey) {
  const auto locked = NewLockedSealing(repository_, "no key");
  storage_.SetSealing(locked.get());
  size_t damaged = 0;
  const auto count = [&](const PackDamage&) { ++damaged; };
  ASSERT_TRUE(IsOk(ScanPack(storage_, pack_, repository_, count)));
  EXPECT_EQ(damaged, 0U);
  for (size_t byte = 0; byte < stored_.size(); ++byte) {
    disk_.FlipBit(PackPath(pack_), byte * 8 + byte % 8);
    damaged = 0;
    ASSERT_TRUE(IsOk(ScanPack(storage_, pack_, repository_, count)));
    EXPECT_GT(damaged, 0U) << "byte " << byte;
    disk_.FlipBit(PackPath(pack_), byte * 8 + byte % 8);
  }
  EXPECT_TRUE(IsKeyFailure(Open(pack_, frames_[0], StoredOf(0))));
}

TEST_F(SealedPack, ARepositoryInTheClearRefusesIt) {
  storage_.SetSealing(nullptr);
  EXPECT_TRUE(HasCode(ReadPackFrames(storage_, pack_, repository_), Code::kCorruption));
  for (const Status& status : ReadAll())
    EXPECT_TRUE(Mentions(status, "is sealed, but the repository is not encrypted"));
}

}  // namespace
}  // namespace varve
