#include "format/snapshot_record.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "format/mutations.h"
#include "format/raw_object.h"
#include "format/sample_objects.h"

namespace varve {
namespace {

const RepositoryId kRepository = CountingId<RepositoryId>(1);

Bytes Encoded() {
  return EncodeSnapshotRecord(SampleSnapshotRecord(), kRepository);
}

Result<SnapshotRecord> Decode(ByteSpan object) {
  return DecodeSnapshotRecord("snapshot", object, kRepository, SampleSnapshotRecord().id);
}

Status DecodeWith(const RawField& field) {
  return Decode(WithField(Encoded(), field)).status();
}

TEST(SnapshotRecord, ComesBackAsWritten) {
  const SnapshotRecord record = SampleSnapshotRecord();
  const Result<SnapshotRecord> decoded = Decode(Encoded());
  ASSERT_TRUE(decoded.ok()) << decoded.status().message();
  EXPECT_EQ(decoded->id, record.id);
  EXPECT_EQ(decoded->volume_name, record.volume_name);
  EXPECT_EQ(decoded->volume_identity, record.volume_identity);
  EXPECT_EQ(decoded->size_bytes, record.size_bytes);
  EXPECT_EQ(decoded->chunk_size_bytes, record.chunk_size_bytes);
  EXPECT_EQ(decoded->root, record.root);
  EXPECT_EQ(decoded->parent, record.parent);
  EXPECT_EQ(decoded->sequence, record.sequence);
  EXPECT_EQ(decoded->predecessor, record.predecessor);
  EXPECT_EQ(decoded->start_unix_ns, record.start_unix_ns);
  EXPECT_EQ(decoded->end_unix_ns, record.end_unix_ns);
  EXPECT_EQ(decoded->consistency, record.consistency);
  EXPECT_EQ(decoded->capture, record.capture);
  EXPECT_EQ(decoded->change_source, record.change_source);
  EXPECT_EQ(decoded->fallback_reason, record.fallback_reason);
  EXPECT_EQ(decoded->tags, record.tags) << "repeated keys, empty values, '=' in values";
  EXPECT_EQ(decoded->statistics.bytes_total, record.statistics.bytes_total);
  EXPECT_EQ(decoded->statistics.chunks_deduplicated, record.statistics.chunks_deduplicated);
  EXPECT_EQ(EncodeSnapshotRecord(*decoded, kRepository), Encoded());
}

TEST(SnapshotRecord, OptionalFieldsMayBeAbsent) {
  const SnapshotRecord record = SampleMinimalRecord();
  const Result<SnapshotRecord> decoded = DecodeSnapshotRecord(
      "snapshot", EncodeSnapshotRecord(record, kRepository), kRepository, record.id);
  ASSERT_TRUE(decoded.ok()) << decoded.status().message();
  EXPECT_FALSE(decoded->parent);
  EXPECT_FALSE(decoded->predecessor);
  EXPECT_FALSE(decoded->fallback_reason);
  EXPECT_TRUE(decoded->tags.empty());
  EXPECT_TRUE(decoded->root.IsZero());
}

TEST(SnapshotRecord, LongestFieldsComeBack) {
  SnapshotRecord record = SampleSnapshotRecord();
  record.volume_name.assign(kNameBytesMax, 'n');
  record.volume_identity.assign(4096, 'i');
  record.fallback_reason = std::string(4096, 'r');
  record.size_bytes = kVolumeSizeMax;
  record.tags.assign(kTagsMax, {"k", std::string(kTagBytesMax - 2, 'v')});
  const Bytes object = EncodeSnapshotRecord(record, kRepository);
  const Result<SnapshotRecord> decoded = Decode(object);
  ASSERT_TRUE(decoded.ok()) << decoded.status().message();
  EXPECT_EQ(EncodeSnapshotRecord(*decoded, kRepository), object);
}

TEST(SnapshotRecord, EveryFlippedBitAndEveryTruncationIsRefused) {
  EXPECT_EQ(FindAcceptedMutation(Encoded(), [](ByteSpan bytes) { return Decode(bytes).status(); }),
            "");
}

TEST(SnapshotRecord, RecordsOfOtherRepositoriesAndOtherNamesAreRefused) {
  const SnapshotId id = SampleSnapshotRecord().id;
  const RepositoryId other = CountingId<RepositoryId>(2);
  EXPECT_EQ(DecodeSnapshotRecord("snapshot", Encoded(), other, id).status().code(),
            Code::kCorruption);
  EXPECT_EQ(DecodeSnapshotRecord("snapshot", Encoded(), kRepository, CountingId<SnapshotId>(9))
                .status()
                .code(),
            Code::kCorruption);
}

TEST(SnapshotRecord, FieldsThatAreNotOptionalAreNeeded) {
  const Bytes object = Encoded();
  for (const RawField& field : FieldsOf(object)) {
    const bool optional =
        field.tag == 0x6 || field.tag == 0x8 || field.tag == 0xe || field.tag == 0xf;
    EXPECT_EQ(Decode(WithoutField(object, field.tag)).ok(), optional) << field.tag;
  }
}

TEST(SnapshotRecord, OnlyTagsRepeat) {
  const Bytes object = Encoded();
  const std::vector<RawField> fields = FieldsOf(object);
  for (size_t i = 0; i < fields.size(); ++i) {
    std::vector<RawField> twice = fields;
    twice.insert(twice.begin() + static_cast<ptrdiff_t>(i), fields[i]);
    EXPECT_EQ(Decode(WithFields(object, twice)).ok(), fields[i].tag == 0xf) << fields[i].tag;
  }
}

TEST(SnapshotRecord, FieldsOfFixedLengthAreRefusedAtAnyOther) {
  const Bytes object = Encoded();
  for (const uint16_t tag : {3, 4, 6, 7, 8, 9, 0xa, 0xb, 0x10, 0x8005}) {
    for (const RawField& field : FieldsOf(object)) {
      if (field.tag != tag) continue;
      RawField changed = field;
      changed.bytes.push_back(0);
      EXPECT_EQ(DecodeWith(changed).code(), Code::kCorruption) << tag;
      changed.bytes.resize(field.bytes.size() - 1);
      EXPECT_EQ(DecodeWith(changed).code(), Code::kCorruption) << tag;
    }
  }
}

TEST(SnapshotRecord, ValuesOutsideTheFormatAreRefused) {
  EXPECT_FALSE(DecodeWith(NumberField<uint64_t>(3, kVolumeSizeMax + 1)).ok());
  EXPECT_FALSE(DecodeWith(NumberField<uint64_t>(3, UINT64_MAX)).ok());
  EXPECT_FALSE(DecodeWith(NumberField<uint64_t>(3, 0)).ok()) << "empty, but it has a root";
  EXPECT_FALSE(DecodeWith(NumberField<uint32_t>(4, 0)).ok());
  EXPECT_FALSE(DecodeWith(NumberField<uint32_t>(4, 2 * kChunkSizeMax)).ok());
  EXPECT_FALSE(DecodeWith(NumberField<uint64_t>(7, 0)).ok());
  EXPECT_FALSE(DecodeWith(NumberField<uint8_t>(0xb, 0)).ok());
  EXPECT_FALSE(DecodeWith(NumberField<uint8_t>(0xb, 5)).ok());
  EXPECT_FALSE(DecodeWith(TextField(0xf, "")).ok());
  EXPECT_FALSE(DecodeWith(TextField(0xf, "key")).ok());
  EXPECT_FALSE(DecodeWith(TextField(0xf, "=value")).ok());
  EXPECT_FALSE(DecodeWith(TextField(0xc, std::string_view("a\0b", 3))).ok());
  EXPECT_FALSE(DecodeWith(TextField(0xd, std::string(256, 'x'))).ok());
  EXPECT_TRUE(DecodeWith(TextField(1, "\xff is not UTF-8")).ok()) << "no reason to lose it";
}

TEST(SnapshotRecord, EveryConsistencyHasItsOwnName) {
  EXPECT_EQ(ConsistencyName(Consistency::kApplication), "application");
  EXPECT_EQ(ConsistencyName(Consistency::kFilesystem), "filesystem");
  EXPECT_EQ(ConsistencyName(Consistency::kCrash), "crash");
  EXPECT_EQ(ConsistencyName(Consistency::kFuzzy), "fuzzy");
}

}  // namespace
}  // namespace varve
