#include "format/config_format.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "format/mutations.h"
#include "format/raw_object.h"
#include "format/sample_objects.h"

namespace varve {
namespace {

TEST(ConfigFormat, ComesBackAsWritten) {
  const RepositoryConfig config = SampleConfig();
  const Result<RepositoryConfig> decoded = DecodeConfig("config", EncodeConfig(config));
  ASSERT_TRUE(decoded.ok()) << decoded.status().message();
  EXPECT_EQ(decoded->id, config.id);
  EXPECT_EQ(decoded->created_unix_ns, config.created_unix_ns);
  EXPECT_EQ(decoded->chunk_size_bytes, config.chunk_size_bytes);
  EXPECT_EQ(decoded->id_key, config.id_key);
  EXPECT_EQ(decoded->fingerprint_secret, config.fingerprint_secret);
}

TEST(ConfigFormat, EveryChunkSizeWithinTheLimitsIsValidAndNoOther) {
  for (uint64_t size = 0; size <= 2 * kChunkSizeMax; size += 512) {
    const bool valid = size == 4096 || size == 8192 || size == 16384 || size == 32768 ||
                       size == 65536 || size == 131072 || size == 262144;
    EXPECT_EQ(IsValidChunkSize(size), valid) << size;
  }
  EXPECT_FALSE(IsValidChunkSize(uint64_t{1} << 32 | 65536)) << "not cut to 32 bits";
  EXPECT_FALSE(IsValidChunkSize(4097));
}

TEST(ConfigFormat, TimesBeforeTheEpochComeBack) {
  RepositoryConfig config = SampleConfig();
  config.created_unix_ns = -1;
  const Result<RepositoryConfig> decoded = DecodeConfig("config", EncodeConfig(config));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->created_unix_ns, -1);
}

TEST(ConfigFormat, EveryFlippedBitAndEveryTruncationIsRefused) {
  EXPECT_EQ(
      FindAcceptedMutation(EncodeConfig(SampleConfig()),
                           [](ByteSpan bytes) { return DecodeConfig("config", bytes).status(); }),
      "");
}

TEST(ConfigFormat, EveryFieldIsNeeded) {
  const Bytes object = EncodeConfig(SampleConfig());
  for (const RawField& field : FieldsOf(object)) {
    const Status status = DecodeConfig("config", WithoutField(object, field.tag)).status();
    EXPECT_EQ(status.code(), Code::kCorruption) << field.tag;
  }
}

TEST(ConfigFormat, UnknownFieldsAreSkippedUnlessCritical) {
  const Bytes object = EncodeConfig(SampleConfig());
  std::vector<RawField> fields = FieldsOf(object);
  fields.insert(fields.begin() + 2, {0x0100, {1, 2, 3}, 0});
  EXPECT_TRUE(DecodeConfig("config", WithFields(object, fields)).ok());
  fields.push_back({0x8100, {}, 0});
  EXPECT_EQ(DecodeConfig("config", WithFields(object, fields)).status().code(), Code::kUnsupported);
}

}  // namespace
}  // namespace varve
