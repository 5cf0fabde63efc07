// Key slots on the simulated disk: nobody is ever locked out, and who was removed stays out,
// whatever happens in between.
#include "repo/key_slots.h"

#include <gtest/gtest.h>

#include "format/mutations.h"
#include "format/raw_object.h"
#include "format/sample_objects.h"
#include "sim/expect_status.h"
#include "sim/random_bytes.h"
#include "sim/seeded_random.h"
#include "sim/simulated_disk.h"

namespace varve {
namespace {

constexpr ScryptCost kCheap{10, 1, 1};

KeyMaterial Passphrase(std::string_view text) {
  return {KeyMethod::kPassphrase, Secret::Copy(AsBytes(text))};
}
KeyMaterial KeyFile(uint64_t seed) {
  return {KeyMethod::kKeyFile, Secret::Copy(RandomBytes(seed, 64))};
}

class KeySlots : public testing::Test {
 protected:
  KeySlots() {
    Storage storage(disk_);
    EXPECT_TRUE(IsOk(storage.CreateDirectory(kKeysDirectory)));
    first_ = *Add(disk_, Passphrase("first"));
  }

  Result<KeySlotId> Add(SimulatedDisk& disk, const KeyMaterial& material) {
    Storage storage(disk);
    return AddKeySlot(storage, repository_, master_, {material, "label", 7, kCheap}, random_);
  }
  Status Remove(SimulatedDisk& disk, const KeySlotId& id) {
    Storage storage(disk);
    return RemoveKeySlot(storage, repository_, id);
  }
  // Ok only if the key opens and what it opens is the master key.
  Status Opens(SimulatedDisk& disk, const KeyMaterial& material) {
    Storage storage(disk);
    const Result<UnlockedKey> key = Unlock(storage, repository_, material);
    VARVE_RETURN_IF_ERROR(key.status());
    const bool same = std::equal(key->master_key.span().begin(), key->master_key.span().end(),
                                 master_.span().begin(), master_.span().end());
    return same ? Status() : Corruption("another master key");
  }
  // Runs `change` on clones that lose power after 0, 1, 2… changes, and hands each disk as it is
  // found then to `check`, with what the change had answered.
  template <typename Change, typename Check>
  int CrashEverywhere(Change change, Check check) {
    int states = 0;
    for (uint64_t changes = 0;; ++changes) {
      const auto disk = disk_.Clone();
      disk->FreezeAfter(changes);
      const bool done = change(*disk).ok();
      const bool frozen = disk->frozen();
      for (const CrashMode mode : kCrashModes) {
        for (uint64_t seed = 0; seed < 3; ++seed) {
          const auto found = disk->Crash(seed, mode);
          SCOPED_TRACE("after " + std::to_string(changes) + " changes, " + CrashModeName(mode) +
                       ", seed " + std::to_string(seed));
          check(*found, done);
          ++states;
        }
      }
      if (!frozen) return states;
    }
  }

  SeededRandom random_{1};
  const RepositoryId repository_ = CountingId<RepositoryId>(1);
  const Secret master_ = Secret::Copy(RandomBytes(9, kMasterKeyBytes));
  SimulatedDisk disk_;
  KeySlotId first_;
};

TEST_F(KeySlots, PassphrasesAndKeyFilesOpenTheSameKey) {
  ASSERT_TRUE(IsOk(Add(disk_, KeyFile(1))));
  EXPECT_TRUE(IsOk(Opens(disk_, Passphrase("first"))));
  EXPECT_TRUE(IsOk(Opens(disk_, KeyFile(1))));
  EXPECT_TRUE(IsKeyFailure(Opens(disk_, Passphrase("First"))));
  EXPECT_TRUE(IsKeyFailure(Opens(disk_, KeyFile(2))));
  const KeyMaterial bytes_as_passphrase{KeyMethod::kPassphrase, Secret::Copy(RandomBytes(1, 64))};
  EXPECT_TRUE(IsKeyFailure(Opens(disk_, bytes_as_passphrase)));
}

TEST_F(KeySlots, OneOfTwoRemovedLeavesTheOther) {
  ASSERT_TRUE(IsOk(Add(disk_, Passphrase("second"))));
  ASSERT_TRUE(IsOk(Remove(disk_, first_)));
  EXPECT_TRUE(IsKeyFailure(Opens(disk_, Passphrase("first"))));
  EXPECT_TRUE(IsOk(Opens(disk_, Passphrase("second"))));
}

TEST_F(KeySlots, TheLastOneStays) {
  EXPECT_TRUE(Mentions(Remove(disk_, first_), "is the last one"));
  EXPECT_TRUE(IsOk(Opens(disk_, Passphrase("first"))));
  // A second one that is damaged does not count.
  const Result<KeySlotId> second = Add(disk_, Passphrase("second"));
  ASSERT_TRUE(IsOk(second));
  disk_.FlipBit(KeySlotPath(*second), 700);
  disk_.FlipBit(KeySlotCopyPath(*second), 700);
  EXPECT_TRUE(Mentions(Remove(disk_, first_), "is the last one"));
}

TEST_F(KeySlots, EitherFileAloneIsTheSlot) {
  for (const std::string& path : {KeySlotPath(first_), KeySlotCopyPath(first_)}) {
    const auto damaged = disk_.Clone();
    damaged->FlipBit(path, 777);
    const auto missing = disk_.Clone();
    missing->Erase(path);
    for (SimulatedDisk* disk : {damaged.get(), missing.get()}) {
      EXPECT_TRUE(IsOk(Opens(*disk, Passphrase("first"))));
      Storage storage(*disk);
      const auto listing = ListKeySlots(storage, repository_);
      ASSERT_TRUE(IsOk(listing));
      ASSERT_EQ(listing->slots.size(), 1U);
      EXPECT_EQ(listing->slots[0].damage.size(), 1U) << "and it is told";
    }
  }
}

TEST_F(KeySlots, AddingIsWholeOrNotAtAllAtEveryCrash) {
  const int states = CrashEverywhere(
      [&](SimulatedDisk& disk) { return Add(disk, Passphrase("second")).status(); },
      [&](SimulatedDisk& disk, bool done) {
        EXPECT_TRUE(IsOk(Opens(disk, Passphrase("first"))));
        const Status second = Opens(disk, Passphrase("second"));
        EXPECT_TRUE(second.ok() || (!done && IsKeyFailure(second))) << second.message();
        EXPECT_TRUE(IsOk(Add(disk, Passphrase("third")))) << "and it goes on";
      });
  EXPECT_GE(states, 150);
}

TEST_F(KeySlots, RemovingIsFinalOnceItIsSaidAtEveryCrash) {
  ASSERT_TRUE(IsOk(Add(disk_, Passphrase("second"))));
  const int states = CrashEverywhere(
      [&](SimulatedDisk& disk) { return Remove(disk, first_); },
      [&](SimulatedDisk& disk, bool done) {
        EXPECT_TRUE(IsOk(Opens(disk, Passphrase("second"))));
        const Status first = Opens(disk, Passphrase("first"));
        EXPECT_TRUE(IsKeyFailure(first) || (!done && first.ok())) << first.message();
        EXPECT_TRUE(IsOk(Remove(disk, first_))) << "and it can be finished";
        EXPECT_TRUE(IsKeyFailure(Opens(disk, Passphrase("first"))));
      });
  EXPECT_GE(states, 70);
}

TEST_F(KeySlots, ChangingAPassphraseNeverLocksOut) {
  CrashEverywhere(
      [&](SimulatedDisk& disk) {
        const Result<KeySlotId> added = Add(disk, Passphrase("second"));
        return added.ok() ? Remove(disk, first_) : added.status();
      },
      [&](SimulatedDisk& disk, bool done) {
        const Status first = Opens(disk, Passphrase("first"));
        const Status second = Opens(disk, Passphrase("second"));
        EXPECT_TRUE(first.ok() || second.ok());
        EXPECT_TRUE(!done || IsKeyFailure(first));
      });
}

TEST_F(KeySlots, AFailedOperationIsToldAndLocksNobodyOut) {
  for (const int error : {EIO, ENOSPC}) {
    for (const bool sticky : {false, true}) {
      for (uint64_t nth = 1;; ++nth) {
        const auto disk = disk_.Clone();
        disk->InjectFault({.nth = nth, .sticky = sticky, .error_number = error});
        const uint64_t before = disk->operation_count();
        const Result<KeySlotId> added = Add(*disk, Passphrase("second"));
        const bool hit = disk->operation_count() - before >= nth;
        disk->ClearFaults();
        EXPECT_TRUE(IsOk(Opens(*disk, Passphrase("first")))) << "operation " << nth;
        EXPECT_TRUE(!added.ok() || Opens(*disk, Passphrase("second")).ok());
        if (!hit) break;
      }
    }
  }
}

TEST_F(KeySlots, EveryMutationOfASlotIsRefused) {
  const Bytes object = disk_.Content(KeySlotPath(first_));
  EXPECT_EQ(
      FindAcceptedMutation(object,
                           [&](ByteSpan bytes) {
                             return DecodeKeySlot("slot", bytes, repository_, first_).status();
                           }),
      "");
}

TEST_F(KeySlots, AForgedSlotOpensNothing) {
  SimulatedDisk disk;
  Storage storage(disk);
  ASSERT_TRUE(IsOk(storage.CreateDirectory(kKeysDirectory)));
  const Result<KeySlotId> id = Add(disk, KeyFile(1));
  ASSERT_TRUE(IsOk(id));
  disk.Erase(KeySlotCopyPath(*id));
  const Bytes good = disk.Content(KeySlotPath(*id));
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes forged = good;
    forged[bit / 8] = static_cast<uint8_t>(forged[bit / 8] ^ (1 << bit % 8));
    RepairSmallObject(forged);
    if (forged == good) continue;  // a bit of a checksum
    disk.SetContent(KeySlotPath(*id), forged);
    EXPECT_FALSE(Opens(disk, KeyFile(1)).ok()) << "bit " << bit;
  }
}

TEST_F(KeySlots, LimitsAreKept) {
  EXPECT_TRUE(HasCode(Add(disk_, Passphrase("")), Code::kInvalidArgument));
  EXPECT_TRUE(HasCode(Add(disk_, Passphrase(std::string(kPassphraseBytesMax + 1, 'x'))),
                      Code::kInvalidArgument));
  const KeyMaterial short_file{KeyMethod::kKeyFile, Secret::Copy(RandomBytes(1, 31))};
  EXPECT_TRUE(HasCode(Add(disk_, short_file), Code::kInvalidArgument));
  for (size_t i = 1; i < kKeySlotsMax; ++i)
    EXPECT_TRUE(IsOk(Add(disk_, KeyFile(i))));
  EXPECT_TRUE(Mentions(Add(disk_, KeyFile(99)), "key slots already"));
}

TEST_F(KeySlots, SlotsAreFoundByUniquePrefixes) {
  ASSERT_TRUE(IsOk(Add(disk_, KeyFile(1))));
  Storage storage(disk_);
  const Result<KeySlotListing> listing = ListKeySlots(storage, repository_);
  ASSERT_TRUE(IsOk(listing));
  const Result<KeySlot> found = SelectKeySlot(*listing, first_.Hex().substr(0, 8));
  ASSERT_TRUE(IsOk(found));
  EXPECT_EQ(found->id, first_);
  EXPECT_TRUE(HasCode(SelectKeySlot(*listing, ""), Code::kNotFound));
  EXPECT_TRUE(HasCode(SelectKeySlot(*listing, "zz"), Code::kNotFound));
}

}  // namespace
}  // namespace varve
