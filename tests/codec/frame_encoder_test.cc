#include <gtest/gtest.h>

#include <random>

#include "codec/frame_codec.h"
#include "sim/random_bytes.h"

namespace varve {
namespace {

constexpr size_t kChunk = 64 << 10;

// Random words of a small vocabulary: matches and a skewed alphabet.
Bytes Text(uint64_t seed) {
  std::mt19937_64 random(seed);
  Bytes text;
  while (text.size() < kChunk) {
    const size_t length = 2 + random() % 9;
    for (size_t i = 0; i < length; ++i) {
      text.push_back(static_cast<uint8_t>('a' + std::min(random() % 26, random() % 26)));
    }
    text.push_back(' ');
  }
  text.resize(kChunk);
  return text;
}

// Random bytes, each half of a page repeated: matches, but literals like noise.
Bytes RepeatedNoise(uint64_t seed) {
  const Bytes noise = RandomBytes(seed, kChunk);
  Bytes bytes;
  for (size_t page = 0; page < kChunk; page += 8192) {
    for (int half = 0; half < 2; ++half) {
      bytes.insert(bytes.end(), noise.begin() + static_cast<ptrdiff_t>(page),
                   noise.begin() + static_cast<ptrdiff_t>(page) + 4096);
    }
  }
  return bytes;
}

// Only entropy coding helps: four bits per byte, no matches to speak of.
Bytes Nibbles(uint64_t seed) {
  Bytes bytes = RandomBytes(seed, kChunk);
  for (uint8_t& byte : bytes)
    byte = static_cast<uint8_t>(byte % 16 * 3);
  return bytes;
}

size_t EncodedLength(FrameEncoder& encoder, ByteSpan raw, size_t length_max = kChunk) {
  Bytes to(length_max);
  const std::optional<size_t> length = encoder.EncodeWhole(raw, to);
  if (!length) return kChunk;
  Bytes decoded(raw.size());
  FrameDecoder decoder;
  EXPECT_TRUE(decoder.Decode(ByteSpan(to).first(*length), {}, decoded).ok());
  EXPECT_TRUE(std::equal(raw.begin(), raw.end(), decoded.begin(), decoded.end()));
  return *length;
}

size_t FreshLength(ByteSpan raw) {
  FrameEncoder encoder(kCompressionLevelDefault);
  return EncodedLength(encoder, raw);
}

TEST(FrameEncoder, ChunksOfEveryKindInEveryOrderDecodeAgain) {
  FrameEncoder encoder(kCompressionLevelDefault);
  std::mt19937_64 random(7);
  for (uint64_t i = 0; i < 200; ++i) {
    Bytes (*const kinds[])(uint64_t) = {Text, RepeatedNoise, Nibbles,
                                        [](uint64_t seed) { return RandomBytes(seed, kChunk); }};
    const Bytes chunk = kinds[random() % 4](i);
    const size_t raw_length = i % 5 == 0 ? 1 + random() % kChunk : kChunk;
    EncodedLength(encoder, ByteSpan(chunk).first(raw_length));
  }
}

TEST(FrameEncoder, WhatAChunkTakesDoesNotDependOnTheOneBefore) {
  FrameEncoder encoder(kCompressionLevelDefault);
  for (Bytes (*const kind)(uint64_t) : {Text, RepeatedNoise, Nibbles}) {
    EncodedLength(encoder, RandomBytes(1, kChunk));
    const size_t after_noise = EncodedLength(encoder, kind(9));
    EXPECT_EQ(after_noise, FreshLength(kind(9)));
    EXPECT_LT(after_noise, kChunk * 56 / 100);
  }
}

TEST(FrameEncoder, ChunksTooLargeForOurEncoderGoToTheLibrary) {
  FrameEncoder encoder(kCompressionLevelDefault);
  Bytes large = Text(1);
  for (uint64_t i = 2; i < 5; ++i)
    AppendBytes(large, Text(i));
  EXPECT_LT(EncodedLength(encoder, large, large.size()), large.size() * 6 / 10);
}

TEST(FrameEncoder, DeltaOfAChangedPageIsSmall) {
  FrameEncoder encoder(kCompressionLevelDefault);
  FrameDecoder decoder;
  const Bytes base = RandomBytes(1, kChunk);
  Bytes changed = base;
  const Bytes page = RandomBytes(2, 500);
  std::copy(page.begin(), page.end(), changed.begin() + 8192);
  Bytes to(kChunk);
  const std::optional<size_t> length = encoder.EncodeDelta(changed, base, to);
  ASSERT_TRUE(length);
  EXPECT_LT(*length, 700u);
  Bytes decoded(kChunk);
  ASSERT_TRUE(decoder.Decode(ByteSpan(to).first(*length), base, decoded).ok());
  EXPECT_EQ(decoded, changed);
}

}  // namespace
}  // namespace varve
