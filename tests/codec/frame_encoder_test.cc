#include <gtest/gtest.h>

#include <random>

#include "codec/frame_codec.h"
#include "codec/literals_section.h"
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

// The habit of storing literals plainly must not spoil a chunk for which coding them pays.
TEST(FrameEncoder, NoiseBeforeDoesNotSpoilWhatEntropyCodingHalves) {
  for (const bool with_matches : {false, true}) {
    FrameEncoder encoder(kCompressionLevelDefault);
    for (uint64_t i = 0; i < 3; ++i) {
      const Bytes noise = with_matches ? RepeatedNoise(i) : RandomBytes(i, kChunk);
      EncodedLength(encoder, noise, kChunk - kChunk / 32 - 1);
    }
    const Bytes nibbles = Nibbles(9);
    const size_t after_noise = EncodedLength(encoder, nibbles, kChunk - kChunk / 32 - 1);
    EXPECT_LT(after_noise, kChunk * 55 / 100);
    EXPECT_LE(after_noise, FreshLength(nibbles) * 101 / 100);
    const Bytes text = Text(10);
    EncodedLength(encoder, RandomBytes(11, kChunk), kChunk - kChunk / 32 - 1);
    EXPECT_LE(EncodedLength(encoder, text), FreshLength(text) * 103 / 100);
  }
}

TEST(FrameEncoder, NoiseAfterTextCostsNoMoreThanNoiseAlone) {
  FrameEncoder encoder(kCompressionLevelDefault);
  for (uint64_t i = 0; i < 3; ++i)
    EncodedLength(encoder, Text(i));
  const Bytes noise = RepeatedNoise(4);
  EXPECT_LE(EncodedLength(encoder, noise), FreshLength(noise) * 101 / 100);
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

TEST(LiteralsSection, TellsPlainLiteralsFromCodedOnes) {
  FrameEncoder encoder(3);  // a level that does not adapt
  Bytes to(2 * kChunk);
  const auto noise = encoder.EncodeWhole(RepeatedNoise(1), to);
  ASSERT_TRUE(noise);
  const auto plain = FindLiterals(ByteSpan(to).first(*noise));
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->length, plain->stored_length);
  EXPECT_EQ(plain->plain.size(), plain->length);
  EXPECT_NEAR(static_cast<double>(plain->length), kChunk / 2, kChunk / 32);
  EXPECT_FALSE(LooksUneven(plain->plain));
  const auto nibbles = encoder.EncodeWhole(Nibbles(1), to);
  ASSERT_TRUE(nibbles);
  const auto coded = FindLiterals(ByteSpan(to).first(*nibbles));
  ASSERT_TRUE(coded);
  EXPECT_LT(coded->stored_length, coded->length * 6 / 10);
  EXPECT_TRUE(coded->plain.empty());
}

TEST(LiteralsSection, CutFramesAreNoReasonToReadPastThem) {
  FrameEncoder encoder(1);
  Bytes to(2 * kChunk);
  const auto length = encoder.EncodeWhole(RepeatedNoise(1), to);
  ASSERT_TRUE(length);
  for (size_t cut = 0; cut < 200; ++cut) {
    const Bytes frame(to.begin(), to.begin() + static_cast<ptrdiff_t>(cut));
    EXPECT_FALSE(FindLiterals(frame)) << cut;
  }
}

TEST(LiteralsSection, EvenAndUnevenBytesAreTold) {
  EXPECT_FALSE(LooksUneven(RandomBytes(5, kChunk)));
  EXPECT_FALSE(LooksUneven(RandomBytes(6, 5000)));
  EXPECT_TRUE(LooksUneven(Nibbles(7)));
  EXPECT_TRUE(LooksUneven(Text(8)));
  EXPECT_FALSE(LooksUneven({}));
}

}  // namespace
}  // namespace varve
