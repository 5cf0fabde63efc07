#include "format/small_object.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "format/raw_object.h"
#include "format/sample_objects.h"

namespace varve {
namespace {

const RepositoryId kRepository = CountingId<RepositoryId>(1);

Bytes ObjectOf(const std::vector<RawField>& fields) {
  return RawObject(ObjectKind::kSession, kRepository, {}, fields);
}

Result<SmallObjectReader> Open(const Bytes& object) {
  return SmallObjectReader::Open("object", object, ObjectKind::kSession);
}

TEST(SmallObject, FieldsComeBackAsWritten) {
  SmallObjectWriter writer;
  writer.Number<uint32_t>(1, 0xdeadbeef);
  writer.Text(2, "text");
  writer.Text(2, "");
  writer.Number<int64_t>(0x8003, -1);
  const ObjectId id = CountingId<SessionId>(7).bytes;
  const Bytes object = writer.Finish(ObjectKind::kSession, kRepository, id);
  const Result<SmallObjectReader> reader = Open(object);
  ASSERT_TRUE(reader.ok()) << reader.status().message();
  EXPECT_EQ(reader->repository(), kRepository);
  EXPECT_EQ(reader->id(), id);
  uint32_t number = 0;
  int64_t negative = 0;
  ASSERT_TRUE(reader->GetNumber(1, &number).ok());
  ASSERT_TRUE(reader->GetNumber(0x8003, &negative).ok());
  EXPECT_EQ(number, 0xdeadbeef);
  EXPECT_EQ(negative, -1);
  const Result<std::vector<std::string>> texts = reader->Texts(2, 10, 2);
  ASSERT_TRUE(texts.ok());
  EXPECT_EQ(*texts, (std::vector<std::string>{"text", ""}));
  EXPECT_TRUE(reader->CheckTags({1, 2, 0x8003}, 2).ok());
}

TEST(SmallObject, AnObjectWithoutFieldsIsAnObject) {
  const Result<SmallObjectReader> reader = Open(ObjectOf({}));
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(reader->GetBytes(1, {}).message(), "object: field 0x0001 is missing");
  std::string text;
  const Result<bool> found = reader->FindText(1, 10, &text);
  ASSERT_TRUE(found.ok());
  EXPECT_FALSE(*found);
}

TEST(SmallObject, UnknownFieldsAreSkippedEvenRepeated) {
  const Bytes object = ObjectOf({{1, {5}, 0}, {0x7fff, {1}, 0}, {0x7fff, {1, 2}, 0}});
  const Result<SmallObjectReader> reader = Open(object);
  ASSERT_TRUE(reader.ok());
  EXPECT_TRUE(reader->CheckTags({1}).ok());
  uint8_t value = 0;
  EXPECT_TRUE(reader->GetNumber(1, &value).ok());
  EXPECT_EQ(value, 5);
}

TEST(SmallObject, UnknownCriticalFieldsMakeItUnsupported) {
  for (const uint16_t tag : {0x8000, 0x8001, 0xffff}) {
    const Bytes object = ObjectOf({{1, {5}, 0}, {tag, {}, 0}});
    const Result<SmallObjectReader> reader = Open(object);
    ASSERT_TRUE(reader.ok());
    EXPECT_EQ(reader->CheckTags({1}).code(), Code::kUnsupported);
    EXPECT_TRUE(reader->CheckTags({1, tag}).ok());
  }
}

TEST(SmallObject, KnownFieldsRepeatOnlyWhereAllowed) {
  const Bytes object = ObjectOf({{1, {5}, 0}, {1, {5}, 0}});
  const Result<SmallObjectReader> reader = Open(object);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(reader->CheckTags({1}).code(), Code::kCorruption);
  EXPECT_TRUE(reader->CheckTags({1}, 1).ok());
  EXPECT_FALSE(reader->Texts(1, 10, 1).ok()) << "more often than the caller allows";
}

TEST(SmallObject, FieldsOfAnotherLengthOrWithReservedBitsAreRefused) {
  const Bytes object = ObjectOf({{1, {1, 2, 3}, 0}});
  const Result<SmallObjectReader> reader = Open(object);
  ASSERT_TRUE(reader.ok());
  uint32_t number = 0;
  EXPECT_EQ(reader->GetNumber(1, &number).code(), Code::kCorruption);
  std::string text;
  EXPECT_EQ(reader->GetText(1, 2, &text).code(), Code::kCorruption) << "too long";
  EXPECT_TRUE(reader->GetText(1, 3, &text).ok());
  EXPECT_EQ(Open(ObjectOf({{1, {}, 0x8000}})).status().code(), Code::kCorruption);
}

TEST(SmallObject, FieldsThatPassTheEndAreRefused) {
  const Bytes good = ObjectOf({{1, {1, 2, 3}, 0}});
  for (const uint32_t length : {2U, 4U, 0x7fffffffU, 0xfffffff8U, 0xffffffffU}) {
    Bytes object = good;
    StoreLe<uint32_t>(&object[kSmallObjectHeaderBytes + 4], length);
    RepairSmallObject(object);
    EXPECT_EQ(Open(object).status().code(), Code::kCorruption) << length;
  }
}

TEST(SmallObject, NewerVersionsAreUnsupportedAndVersionZeroIsDamage) {
  for (const uint16_t version : {0, 2, 0x100, 0xffff}) {
    Bytes object = ObjectOf({});
    StoreLe<uint16_t>(&object[8], version);
    EXPECT_EQ(Open(object).status().code(), Code::kCorruption) << "the checksum comes first";
    RepairSmallObject(object);
    EXPECT_EQ(Open(object).status().code(), version == 0 ? Code::kCorruption : Code::kUnsupported);
  }
}

TEST(SmallObject, UnknownSealsAreUnsupported) {
  Bytes object = ObjectOf({});
  object[11] = 2;
  RepairSmallObject(object);
  EXPECT_EQ(Open(object).status().code(), Code::kUnsupported);
}

TEST(SmallObject, OtherKindsAreRefused) {
  for (const uint8_t kind : {0, 1, 2, 4, 255}) {
    Bytes object = ObjectOf({});
    object[10] = kind;
    RepairSmallObject(object);
    EXPECT_EQ(Open(object).status().code(), Code::kCorruption);
  }
}

TEST(SmallObject, ObjectsLargerThanTheLimitAreRefused) {
  Bytes largest = ObjectOf({{1, Bytes(kSmallObjectMax - kSmallObjectHeaderBytes - 8), 0}});
  ASSERT_EQ(largest.size(), kSmallObjectMax);
  EXPECT_TRUE(Open(largest).ok());
  largest.push_back(0);
  StoreLe<uint32_t>(&largest[12], LoadLe<uint32_t>(&largest[12]) + 1);
  StoreLe<uint32_t>(&largest[68], LoadLe<uint32_t>(&largest[68]) + 1);
  RepairSmallObject(largest);
  EXPECT_EQ(Open(largest).status().code(), Code::kCorruption);
}

}  // namespace
}  // namespace varve
