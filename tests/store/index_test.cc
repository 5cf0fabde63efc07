// What every Index must do: RocksIndex, MemoryIndex, and a MemoryIndex on top of a RocksIndex.
#include "store/index.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "sim/expect_status.h"
#include "sim/temporary_directory.h"
#include "store/memory_index.h"
#include "store/rocks_index.h"

namespace varve {
namespace {

template <typename IdType>
IdType IdOf(uint8_t n) {
  IdType id;
  id.bytes.fill(n);
  return id;
}
ContentId Content(uint8_t n) {
  return IdOf<ContentId>(n);
}
PackId Pack(uint8_t n) {
  return IdOf<PackId>(n);
}

PlacedFrame Whole(uint8_t id, uint64_t offset) {
  PlacedFrame frame{offset, {}};
  frame.info.id = Content(id);
  frame.info.encoding = Encoding::kZstd;
  frame.info.raw_length = 4096;
  frame.info.stored_length = 1000;
  return frame;
}
PlacedFrame Delta(uint8_t id, uint8_t base, uint64_t offset) {
  PlacedFrame frame = Whole(id, offset);
  frame.info.encoding = Encoding::kDelta;
  frame.info.stored_length = 100;
  frame.info.base = Content(base);
  return frame;
}

enum class Kind { kRocks, kMemory, kMemoryOverRocks };

class IndexTest : public testing::TestWithParam<Kind> {
 protected:
  IndexTest() {
    std::unique_ptr<Index> below;
    if (GetParam() != Kind::kMemory) {
      auto rocks =
          OpenRocksIndex(directory_.File("index"), IdOf<RepositoryId>(9), IndexMode::kWriter);
      EXPECT_TRUE(IsOk(rocks));
      below = *std::move(rocks);
    }
    index_ = GetParam() == Kind::kRocks ? std::move(below)
                                        : std::make_unique<MemoryIndex>(std::move(below));
  }

  void Add(uint8_t pack, std::vector<PlacedFrame> frames) {
    ASSERT_TRUE(IsOk(index_->Add(Pack(pack), frames)));
  }
  // The place of a content, which must be there; as FindUsable sees it.
  Place At(uint8_t id) {
    const auto place = index_->FindUsable(Content(id));
    EXPECT_TRUE(IsOk(place));
    EXPECT_TRUE(*place) << "content " << int{id} << " is unknown";
    return place.ok() && *place ? **place : Place{};
  }

  const TemporaryDirectory directory_;
  std::unique_ptr<Index> index_;
};

TEST_P(IndexTest, AnswersInTheOrderOfTheQuestionsAndKnowsWhatItDoesNotKnow) {
  Add(1, {Whole(5, 96), Whole(3, 2000)});
  Add(2, {Delta(4, 3, 96)});
  const std::vector<ContentId> ids = {Content(4), Content(7), Content(5), Content(3), Content(4)};
  std::vector<std::optional<Place>> places(99);
  ASSERT_TRUE(IsOk(index_->FindMany(ids, &places)));
  ASSERT_EQ(places.size(), 5U);
  EXPECT_EQ(places[0]->pack, Pack(2));
  EXPECT_EQ(places[0]->offset, 96U);
  EXPECT_EQ(places[0]->frame, Delta(4, 3, 96).info);
  EXPECT_FALSE(places[1]);
  EXPECT_EQ(places[2]->frame, Whole(5, 96).info);
  EXPECT_EQ(places[3]->offset, 2000U);
  EXPECT_EQ(places[4]->pack, Pack(2));
  ASSERT_TRUE(IsOk(index_->FindMany({}, &places)));
  EXPECT_TRUE(places.empty());
}

TEST_P(IndexTest, ListsItsPacksSorted) {
  Add(3, {Whole(1, 96)});
  Add(1, {Whole(2, 96)});
  Add(2, {});
  EXPECT_EQ(*index_->Packs(), (std::vector<PackId>{Pack(1), Pack(2), Pack(3)}));
}

TEST_P(IndexTest, DeltaNeverTakesThePlaceOfAFrameThatStandsAlone) {
  Add(1, {Whole(1, 96), Whole(8, 5000)});
  Add(2, {Delta(1, 8, 96)});
  EXPECT_EQ(At(1).pack, Pack(1));
  Add(3, {Delta(2, 8, 96)});
  Add(4, {Whole(2, 96)});
  EXPECT_EQ(At(2).pack, Pack(4));
}

TEST_P(IndexTest, NewerPlaceTakesThePlaceOfItsOlderLike) {
  Add(1, {Whole(1, 96), Delta(2, 1, 4000)});
  Add(2, {Whole(1, 96), Delta(2, 1, 4000)});
  EXPECT_EQ(At(1).pack, Pack(2));
  EXPECT_EQ(At(2).pack, Pack(2));
}

TEST_P(IndexTest, DeltaIsUsableOnlyWithAUsableBaseThatStandsAlone) {
  Add(1, {Whole(1, 96), Delta(2, 1, 2000), Delta(3, 7, 3000), Delta(4, 2, 4000)});
  EXPECT_TRUE(At(1).usable);
  EXPECT_TRUE(At(2).usable);
  EXPECT_FALSE(At(3).usable) << "its base is nowhere";
  EXPECT_FALSE(At(4).usable) << "its base is a delta";
  ASSERT_TRUE(IsOk(index_->Distrust(std::vector<ContentId>{Content(1)})));
  EXPECT_FALSE(At(1).usable);
  EXPECT_FALSE(At(2).usable) << "its base is damaged";
}

TEST_P(IndexTest, DistrustedPlaceCanStillBeReadAndIsTrustedWhenItIsAddedAgain) {
  Add(1, {Whole(1, 96), Delta(2, 1, 2000)});
  ASSERT_TRUE(IsOk(index_->Distrust(std::vector<ContentId>{Content(1), Content(2), Content(9)})));
  EXPECT_EQ(At(1).frame, Whole(1, 96).info);
  EXPECT_EQ(At(2).frame, Delta(2, 1, 2000).info);
  EXPECT_FALSE(*index_->Find(Content(9)));
  Add(2, {Whole(1, 96), Whole(2, 2000)});
  EXPECT_TRUE(At(1).usable);
  EXPECT_TRUE(At(2).usable);
  EXPECT_EQ(At(2).pack, Pack(2));
}

TEST_P(IndexTest, DamageDropsAllProofs) {
  const auto one = IdOf<SnapshotId>(1);
  const auto two = IdOf<SnapshotId>(2);
  EXPECT_FALSE(*index_->IsProved(one));
  ASSERT_TRUE(IsOk(index_->MarkProved(one)));
  ASSERT_TRUE(IsOk(index_->MarkProved(two)));
  EXPECT_TRUE(*index_->IsProved(one));
  EXPECT_TRUE(*index_->IsProved(two));
  ASSERT_TRUE(IsOk(index_->Distrust({})));
  EXPECT_FALSE(*index_->IsProved(one));
  EXPECT_FALSE(*index_->IsProved(two));
  ASSERT_TRUE(IsOk(index_->MarkProved(two)));
  EXPECT_TRUE(*index_->IsProved(two));
}

INSTANTIATE_TEST_SUITE_P(Every, IndexTest,
                         testing::Values(Kind::kRocks, Kind::kMemory, Kind::kMemoryOverRocks),
                         [](const auto& info) {
                           return info.param == Kind::kRocks    ? "Rocks"
                                  : info.param == Kind::kMemory ? "Memory"
                                                                : "MemoryOverRocks";
                         });

class RocksIndexTest : public testing::Test {
 protected:
  Result<std::unique_ptr<Index>> Open(IndexMode mode, uint8_t repository = 9) {
    return OpenRocksIndex(path_, IdOf<RepositoryId>(repository), mode);
  }

  const TemporaryDirectory directory_;
  const std::string path_ = directory_.File("index");
};

TEST_F(RocksIndexTest, EverythingIsThereAfterItWasClosed) {
  {
    auto index = Open(IndexMode::kWriter);
    ASSERT_TRUE(IsOk(index));
    ASSERT_TRUE(IsOk((*index)->Add(
        Pack(1), std::vector<PlacedFrame>{Whole(1, 96), Delta(2, 1, 2000), Whole(3, 3000)})));
    ASSERT_TRUE(IsOk((*index)->Distrust(std::vector<ContentId>{Content(3)})));
    ASSERT_TRUE(IsOk((*index)->MarkProved(IdOf<SnapshotId>(1))));
  }
  for (const IndexMode mode : {IndexMode::kReader, IndexMode::kWriter}) {
    auto index = Open(mode);
    ASSERT_TRUE(IsOk(index));
    EXPECT_EQ((*index)->Packs()->size(), 1U);
    EXPECT_TRUE((**(*index)->FindUsable(Content(2))).usable);
    EXPECT_FALSE((**(*index)->FindUsable(Content(3))).usable);
    EXPECT_TRUE(*(*index)->IsProved(IdOf<SnapshotId>(1)));
  }
  EXPECT_TRUE(VerifyRocksIndex(path_)->empty());
}

TEST_F(RocksIndexTest, RefusesAnotherRepositorysIndexAndAMissingOne) {
  EXPECT_TRUE(HasCode(Open(IndexMode::kReader), Code::kNotFound));
  ASSERT_TRUE(IsOk(Open(IndexMode::kWriter)));
  EXPECT_TRUE(HasCode(Open(IndexMode::kWriter, 8), Code::kCorruption));
  EXPECT_TRUE(HasCode(Open(IndexMode::kReader, 8), Code::kCorruption));
  ASSERT_TRUE(IsOk(DestroyRocksIndex(path_)));
  EXPECT_TRUE(IsOk(DestroyRocksIndex(path_)));
  EXPECT_TRUE(HasCode(Open(IndexMode::kReader), Code::kNotFound));
}

TEST_F(RocksIndexTest, NobodyElseMayLookIntoIt) {
  ASSERT_TRUE(IsOk(Open(IndexMode::kWriter)));
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
}

TEST_F(RocksIndexTest, EveryFlippedByteIsFoundByVerify) {
  {
    auto index = Open(IndexMode::kWriter);
    ASSERT_TRUE(IsOk((*index)->Add(Pack(1), std::vector<PlacedFrame>{Whole(1, 96)})));
  }
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path_)) {
    const std::string name = entry.path().filename();
    const auto size = static_cast<long>(entry.file_size());
    if (size == 0 || name == "LOCK" || name.ends_with(".log")) continue;
    ++files;
    FILE* const file = std::fopen(entry.path().c_str(), "r+b");
    ASSERT_NE(file, nullptr);
    for (const long at : {long{0}, size / 2, size - 1}) {
      std::fseek(file, at, SEEK_SET);
      const int byte = std::fgetc(file);
      std::fseek(file, at, SEEK_SET);
      std::fputc(byte ^ 0x10, file);
      std::fflush(file);
      EXPECT_FALSE(VerifyRocksIndex(path_)->empty()) << name << " at " << at;
      std::fseek(file, at, SEEK_SET);
      std::fputc(byte, file);
      std::fflush(file);
    }
    std::fclose(file);
  }
  EXPECT_GE(files, 4);
  EXPECT_TRUE(VerifyRocksIndex(path_)->empty());
}

}  // namespace
}  // namespace varve
