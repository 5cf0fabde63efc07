#include "codec/page_encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "codec/frame_codec.h"
#include "sim/random_bytes.h"

namespace varve {
namespace {

constexpr size_t kChunk = 64 << 10;

// A copy that ends where its memory ends: reading past it is seen by ASan.
Bytes Exact(ByteSpan bytes) {
  return {bytes.begin(), bytes.end()};
}

// The frame's length, after it was decoded by the library and compared.
size_t RoundTrip(PageEncoder& encoder, ByteSpan raw) {
  Bytes to(kChunk + 4096);
  const std::optional<size_t> length = encoder.Encode(raw, to);
  if (!length) return raw.size();
  Bytes decoded(raw.size());
  FrameDecoder decoder;
  const Status status = decoder.Decode(ByteSpan(to).first(*length), {}, decoded);
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_TRUE(std::equal(raw.begin(), raw.end(), decoded.begin(), decoded.end()));
  return *length;
}

// Bytes as a parser would love them: literals of a skewed alphabet, copies of what was before, at
// distances old and new, and records that repeat with small changes.
Bytes Structured(std::mt19937_64& random, size_t size) {
  Bytes bytes;
  const size_t alphabet = size_t{1} << random() % 9;
  const size_t skew = 1 + random() % 4;
  size_t distance = 1;
  while (bytes.size() < size) {
    const size_t literals = random() % (random() % 8 == 0 ? 2000 : 12);
    for (size_t i = 0; i < literals; ++i) {
      size_t symbol = random() % alphabet;
      for (size_t k = 1; k < skew; ++k)
        symbol = std::min<size_t>(symbol, random() % alphabet);
      bytes.push_back(static_cast<uint8_t>(symbol * 37));
    }
    if (bytes.empty()) continue;
    if (random() % 3 == 0) distance = 1 + random() % std::min<size_t>(bytes.size(), 40000);
    distance = std::min(distance, bytes.size());
    const size_t match = random() % (random() % 16 == 0 ? 9000 : 40);
    for (size_t i = 0; i < match; ++i)
      bytes.push_back(bytes[bytes.size() - distance]);
  }
  bytes.resize(size);
  return bytes;
}

TEST(PageEncoder, StructuredBytesOfEveryLengthDecodeAgain) {
  PageEncoder encoder;
  const uint64_t seed = 20261126;
  std::mt19937_64 random(seed);
  for (int i = 0; i < 3000; ++i) {
    const size_t size = i < 600 ? static_cast<size_t>(i) : 1 + random() % kChunk;
    const Bytes raw = Structured(random, size);
    RoundTrip(encoder, raw);
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed << ", chunk " << i;
  }
}

TEST(PageEncoder, AlphabetsOfEverySizeDecodeAgain) {
  PageEncoder encoder;
  std::mt19937_64 random(3);
  for (size_t symbols = 1; symbols <= 256; ++symbols) {
    for (const size_t size : {size_t{100}, size_t{5000}, kChunk}) {
      Bytes raw(size);
      for (uint8_t& byte : raw)
        byte = static_cast<uint8_t>(255 - std::min(random() % symbols, random() % symbols));
      RoundTrip(encoder, raw);
    }
  }
}

// Counts like Fibonacci's numbers make the deepest code; the format allows 11 bits.
TEST(PageEncoder, CodesThatWouldBeTooDeepAreCut) {
  PageEncoder encoder;
  std::mt19937_64 random(4);
  for (size_t symbols = 12; symbols < 23; ++symbols) {
    Bytes raw;
    size_t count = 1;
    size_t before = 1;
    for (size_t symbol = 0; symbol < symbols; ++symbol) {
      raw.insert(raw.end(), count, static_cast<uint8_t>(symbol * 11));
      const size_t sum = count + before;
      before = count;
      count = sum;
    }
    std::shuffle(raw.begin(), raw.end(), random);
    raw.resize(std::min(raw.size(), kChunk));
    EXPECT_LT(RoundTrip(encoder, raw), raw.size() / 2);
  }
}

TEST(PageEncoder, OneByteRepeatedTakesNextToNothing) {
  PageEncoder encoder;
  for (const size_t size : {size_t{300}, size_t{4096}, kChunk - 1, kChunk}) {
    EXPECT_LT(RoundTrip(encoder, Bytes(size, 7)), 40u) << size;
  }
}

TEST(PageEncoder, NoiseIsRefusedAndGapsInItAreFound) {
  PageEncoder encoder;
  Bytes noise = RandomBytes(5, kChunk);
  Bytes to(kChunk);
  EXPECT_FALSE(encoder.Encode(noise, MutableByteSpan(to).first(kChunk - kChunk / 32)));
  for (size_t page = 0; page < kChunk; page += 8192)
    std::fill_n(noise.begin() + static_cast<ptrdiff_t>(page) + 24, 600, uint8_t{0});
  EXPECT_LT(RoundTrip(encoder, noise), kChunk - 8 * 500);
}

TEST(PageEncoder, WhatDoesNotFitIsNotWritten) {
  PageEncoder encoder;
  std::mt19937_64 random(6);
  const Bytes raw = Structured(random, kChunk);
  const size_t length = RoundTrip(encoder, raw);
  Bytes to(length, 0xee);
  EXPECT_FALSE(encoder.Encode(raw, MutableByteSpan(to).first(length - 1)));
  EXPECT_EQ(to, Bytes(length, 0xee));
  EXPECT_TRUE(encoder.Encode(raw, to));
  EXPECT_FALSE(encoder.Encode({}, to));
}

TEST(PageEncoder, NothingIsReadBeyondTheChunk) {
  PageEncoder encoder;
  std::mt19937_64 random(7);
  for (size_t size = 1; size < 300; ++size)
    RoundTrip(encoder, Exact(Structured(random, size)));
  // A copy that runs to the very end.
  Bytes raw = RandomBytes(8, kChunk / 2);
  AppendBytes(raw, Exact(raw));
  EXPECT_LT(RoundTrip(encoder, raw), kChunk / 2 + 100);
}

TEST(PageEncoder, RecordsOfOneShapeTakeNoMoreThanWithTheLibrary) {
  // Sixteen bytes each, of which two or three change: an index of a database.
  Bytes raw;
  for (uint32_t i = 0; raw.size() < kChunk; ++i) {
    const uint8_t record[16] = {0,
                                0,
                                0x22,
                                0x78,
                                static_cast<uint8_t>(i % 97),
                                0,
                                0x10,
                                0,
                                static_cast<uint8_t>(i),
                                static_cast<uint8_t>(i >> 8),
                                0x1c};
    AppendBytes(raw, record);
  }
  PageEncoder encoder;
  FrameEncoder library(2);
  Bytes to(kChunk);
  const std::optional<size_t> theirs = library.EncodeWhole(raw, to);
  ASSERT_TRUE(theirs);
  EXPECT_LE(RoundTrip(encoder, raw), *theirs * 101 / 100);
}

}  // namespace
}  // namespace varve
