#include "codec/frame_codec.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "sim/expect_status.h"
#include "sim/random_bytes.h"
#include "sim/volume_bytes.h"
#include "store/frame_writer.h"

namespace varve {
namespace {

constexpr size_t kSizes[] = {1, 2, 511, 4096, 4097, 65536, 262143, kFrameRawMax};

TEST(FrameCodecTest, WholeAndDeltaComeBackAtEverySizeAndLevel) {
  FrameDecoder decoder;
  for (const int level : {kCompressionLevelMin, -1, 1, 3, kCompressionLevelMax}) {
    FrameEncoder encoder(level);
    for (const size_t size : kSizes) {
      SCOPED_TRACE("level " + std::to_string(level) + ", " + std::to_string(size) + " bytes");
      const Bytes raw = VolumeBytes(size, size);
      Bytes stored(size + 1024);
      Bytes back(size);
      const auto whole = encoder.EncodeWhole(raw, stored);
      ASSERT_TRUE(whole);
      ASSERT_TRUE(IsOk(decoder.Decode(ByteSpan(stored).first(*whole), {}, back)));
      EXPECT_TRUE(back == raw);
      const Bytes base = Edited(size, raw, 2);
      const auto delta = encoder.EncodeDelta(raw, base, stored);
      ASSERT_TRUE(delta);
      std::fill(back.begin(), back.end(), uint8_t{0});
      ASSERT_TRUE(IsOk(decoder.Decode(ByteSpan(stored).first(*delta), base, back)));
      EXPECT_TRUE(back == raw);
    }
  }
}

TEST(FrameCodecTest, TooSmallARoomIsNoAnswerAndNoHarm) {
  FrameEncoder encoder(1);
  FrameDecoder decoder;
  const Bytes noise = RandomBytes(1, 65536);
  const Bytes rows = VolumeBytes(7, 65536);
  Bytes stored(65536 + 1024);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(encoder.EncodeWhole(noise, MutableByteSpan(stored).first(60000)));
    EXPECT_FALSE(encoder.EncodeDelta(noise, rows, MutableByteSpan(stored).first(100)));
    EXPECT_FALSE(encoder.EncodeWhole(rows, MutableByteSpan(stored).first(0)));
    const auto whole = encoder.EncodeWhole(rows, stored);
    ASSERT_TRUE(whole);
    Bytes back(rows.size());
    ASSERT_TRUE(IsOk(decoder.Decode(ByteSpan(stored).first(*whole), {}, back)));
    EXPECT_TRUE(back == rows);
  }
}

TEST(FrameCodecTest, HostileFramesAreCorruptionAndLeaveTheDecoderWhole) {
  FrameEncoder encoder(1);
  FrameDecoder decoder;
  const Bytes raw = VolumeBytes(3, 20000);
  const Bytes base = Edited(4, raw, 3);
  Bytes stored(30000);
  stored.resize(*encoder.EncodeWhole(raw, stored));
  Bytes delta(30000);
  delta.resize(*encoder.EncodeDelta(raw, base, delta));
  Bytes back(raw.size());

  std::vector<std::pair<std::string, Bytes>> hostile;
  for (size_t size = 0; size < stored.size(); size += 7) {
    hostile.emplace_back("cut to " + std::to_string(size),
                         Bytes(stored.begin(), stored.begin() + static_cast<ptrdiff_t>(size)));
  }
  Bytes twice = stored;
  AppendBytes(twice, stored);
  hostile.emplace_back("two frames in a row", twice);
  Bytes skippable = {0x50, 0x2A, 0x4D, 0x18, 4, 0, 0, 0, 1, 2, 3, 4};
  hostile.emplace_back("a skippable frame alone", skippable);
  AppendBytes(skippable, stored);
  hostile.emplace_back("a skippable frame before it", skippable);
  hostile.emplace_back("noise", RandomBytes(9, 500));
  // A frame of 12 bytes that announces 2^60 bytes.
  hostile.emplace_back("a bomb", Bytes{0x28, 0xB5, 0x2F, 0xFD, 0xE0, 0, 0, 0, 0, 0, 0, 0, 0x10});
  for (const auto& [what, bytes] : hostile) {
    EXPECT_TRUE(HasCode(decoder.Decode(bytes, {}, back), Code::kCorruption)) << what;
  }
  Bytes shorter(raw.size() - 1);
  EXPECT_TRUE(HasCode(decoder.Decode(stored, {}, shorter), Code::kCorruption));
  Bytes longer(raw.size() + 1);
  EXPECT_TRUE(HasCode(decoder.Decode(stored, {}, longer), Code::kCorruption));
  // A delta without its base, or with another one: an error or other bytes, never a crash.
  const Status without = decoder.Decode(delta, {}, back);
  EXPECT_TRUE(!without.ok() || back != raw);
  const Status other = decoder.Decode(delta, Bytes(base.size(), 1), back);
  EXPECT_TRUE(!other.ok() || back != raw);
  ASSERT_TRUE(IsOk(decoder.Decode(delta, base, back)));
  EXPECT_TRUE(back == raw);
}

class FramePolicyTest : public testing::Test {
 protected:
  FrameInfo Append(ByteSpan raw, const DeltaBase* base) {
    FrameBatch batch(raw.size() + kDeltaHeaderBytes);
    ContentId id;
    id.bytes.fill(1);
    EXPECT_TRUE(IsOk(writer_.Append(ContentKind::kChunk, id, raw, base, &batch)));
    EXPECT_EQ(batch.frames().size(), 1U);
    EXPECT_EQ(batch.bytes().size(), batch.frames()[0].FrameBytes());
    return batch.frames()[0];
  }
  static DeltaBase BaseOf(ByteSpan raw, uint32_t stored_length) {
    DeltaBase base;
    base.id.bytes.fill(2);
    base.raw = raw;
    base.stored_length = stored_length;
    return base;
  }

  FrameWriter writer_{1};
  const Bytes noise_ = RandomBytes(1, 65536);
};

TEST_F(FramePolicyTest, IncompressibleIsStoredRaw) {
  const FrameInfo info = Append(noise_, nullptr);
  EXPECT_EQ(info.encoding, Encoding::kRaw);
  EXPECT_EQ(info.stored_length, info.raw_length);
  EXPECT_EQ(Append(Bytes{7}, nullptr).encoding, Encoding::kRaw);
}

TEST_F(FramePolicyTest, LittleThatChangedIsADelta) {
  Bytes changed = noise_;
  changed[1000] ^= 1;
  const DeltaBase base = BaseOf(noise_, 65536);
  const FrameInfo info = Append(changed, &base);
  EXPECT_EQ(info.encoding, Encoding::kDelta);
  EXPECT_EQ(info.base, base.id);
  EXPECT_LT(info.stored_length, 200U);
}

TEST_F(FramePolicyTest, DeltaThatSavesLessThanHalfIsNotWorthADependency) {
  Bytes changed = noise_;
  const Bytes other = RandomBytes(2, 40000);  // 40000 of 65536 bytes are new
  std::copy(other.begin(), other.end(), changed.begin());
  const DeltaBase base = BaseOf(noise_, 65536);
  EXPECT_EQ(Append(changed, &base).encoding, Encoding::kRaw);
  // The base's frame was small: a delta must be smaller still.
  Bytes rows(65536, 5);
  Bytes rows_changed = rows;
  std::copy(other.begin(), other.begin() + 3000, rows_changed.begin());
  const DeltaBase small = BaseOf(rows, 30);
  EXPECT_EQ(Append(rows_changed, &small).encoding, Encoding::kZstd);
}

}  // namespace
}  // namespace varve
