// Sealed small objects under attack: somebody who may write to the repository, put checksums right
// and move objects, but has no key.
#include "codec/repository_sealing.h"

#include <gtest/gtest.h>

#include "format/raw_object.h"
#include "format/sample_objects.h"
#include "sim/expect_status.h"
#include "sim/random_bytes.h"
#include "sim/seeded_random.h"

namespace varve {
namespace {

class SealedObject : public testing::Test {
 protected:
  Bytes Seal(const Bytes& object) {
    const ByteSpan piece = object;
    Result<std::optional<Bytes>> sealed = sealing_->Seal("snapshots/x", {&piece, 1});
    EXPECT_TRUE(IsOk(sealed));
    return sealed->value_or(Bytes());
  }
  Status Open(const Bytes& stored) { return sealing_->Open("snapshots/x", stored).status(); }

  SeededRandom random_{1};
  const Secret master_ = Secret::Copy(RandomBytes(1, kMasterKeyBytes));
  const RepositoryId repository_ = SampleConfig().id;
  const std::unique_ptr<Sealing> sealing_ = NewRepositorySealing(master_, repository_, random_);
  const Bytes record_ = EncodeSnapshotRecord(SampleSnapshotRecord(), repository_);
  const Bytes sealed_ = Seal(record_);
};

TEST_F(SealedObject, OpensAsItWas) {
  const Result<Bytes> opened = sealing_->Open("snapshots/x", sealed_);
  ASSERT_TRUE(IsOk(opened));
  EXPECT_EQ(*opened, record_);
  EXPECT_EQ(sealed_.size(), record_.size() + kSealSaltBytes + kSealTagBytes);
  EXPECT_EQ(AsText(sealed_).find("orders"), std::string_view::npos);
}

TEST_F(SealedObject, NeverLooksTheSameTwice) {
  const Bytes again = Seal(record_);
  size_t equal = 0;
  for (size_t i = kSmallObjectHeaderBytes; i < sealed_.size(); ++i)
    equal += again[i] == sealed_[i] ? 1 : 0;
  EXPECT_LT(equal, sealed_.size() / 16) << "salt and key are new each time";
}

TEST_F(SealedObject, EveryFlippedBitIsRefusedEvenWithRightChecksums) {
  for (size_t bit = 0; bit < sealed_.size() * 8; ++bit) {
    Bytes changed = sealed_;
    changed[bit / 8] = static_cast<uint8_t>(changed[bit / 8] ^ (1 << bit % 8));
    const bool magic = bit < 64;  // without it nothing is an object, which decoders refuse
    EXPECT_TRUE(magic || !Open(changed).ok()) << "bit " << bit;
    RepairSmallObject(changed);
    EXPECT_TRUE(magic || changed == sealed_ || !Open(changed).ok()) << "bit " << bit;
  }
}

TEST_F(SealedObject, EveryTruncationIsRefusedEvenWithRightLengths) {
  for (size_t size = 8; size < sealed_.size(); ++size) {
    Bytes cut(sealed_.begin(), sealed_.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_FALSE(Open(cut).ok()) << size;
    if (size < kSmallObjectHeaderBytes) continue;
    StoreLe<uint32_t>(&cut[12], static_cast<uint32_t>(size - kSmallObjectHeaderBytes));
    RepairSmallObject(cut);
    EXPECT_FALSE(Open(cut).ok()) << size;
  }
}

TEST_F(SealedObject, AnotherNameKindRepositoryOrKeyIsRefused) {
  Bytes renamed = sealed_;  // replayed as another snapshot
  renamed[32] ^= 1;
  Bytes session = sealed_;
  session[10] = static_cast<uint8_t>(ObjectKind::kSession);
  Bytes foreign = sealed_;
  foreign[16] ^= 1;
  for (Bytes* changed : {&renamed, &session, &foreign}) {
    RepairSmallObject(*changed);
    EXPECT_TRUE(Mentions(Open(*changed), "its seal does not verify"));
  }
  const auto other_repository = NewRepositorySealing(master_, CountingId<RepositoryId>(9), random_);
  EXPECT_TRUE(HasCode(other_repository->Open("x", sealed_), Code::kCorruption));
  const Secret other_master = Secret::Copy(RandomBytes(2, kMasterKeyBytes));
  const auto other_key = NewRepositorySealing(other_master, repository_, random_);
  EXPECT_TRUE(HasCode(other_key->Open("x", sealed_), Code::kCorruption));
}

TEST_F(SealedObject, NothingComesOrGoesInTheClear) {
  EXPECT_TRUE(Mentions(Open(record_), "is in the clear"));
  const Bytes text = {'h', 'e', 'l', 'l', 'o'};
  const ByteSpan piece = text;
  EXPECT_FALSE(sealing_->Seal("gc/plan", {&piece, 1}).ok());
  Bytes pack(kPackHeaderBytes);
  EncodePackHeader({PackContent::kChunks, repository_, CountingId<PackId>(1)}, pack.data());
  const ByteSpan in_the_clear = pack;
  EXPECT_FALSE(sealing_->Seal("packs/01/x", {&in_the_clear, 1}).ok());
  const ByteSpan twice = sealed_;
  EXPECT_FALSE(sealing_->Seal("snapshots/x", {&twice, 1}).ok());
}

TEST_F(SealedObject, WithoutTheKeyWholeAndDamagedAreToldApart) {
  const auto locked = NewLockedSealing(repository_, "it needs a passphrase");
  const Status whole = locked->Open("snapshots/x", sealed_).status();
  EXPECT_TRUE(IsKeyFailure(whole));
  EXPECT_TRUE(Mentions(whole, "snapshots/x: is sealed: it needs a passphrase"));
  Bytes damaged = sealed_;
  damaged[100] ^= 1;
  EXPECT_TRUE(HasCode(locked->Open("snapshots/x", damaged), Code::kCorruption));
  EXPECT_TRUE(HasCode(locked->Open("snapshots/x", record_), Code::kCorruption));
  const ByteSpan piece = record_;
  EXPECT_TRUE(IsKeyFailure(locked->Seal("snapshots/x", {&piece, 1}).status()));
}

}  // namespace
}  // namespace varve
