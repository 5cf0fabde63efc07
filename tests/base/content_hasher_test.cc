#include "base/content_hasher.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/sha256_pair.h"
#include "sim/random_bytes.h"

namespace varve {
namespace {

constexpr IdKey kKey = {1, 2, 3, 4, 5, 6, 7, 8, 9};

std::array<uint8_t, 32> Reference(ByteSpan key, ByteSpan message) {
  std::array<uint8_t, 32> digest{};
  unsigned length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), message.data(), message.size(),
       digest.data(), &length);
  EXPECT_EQ(length, digest.size());
  return digest;
}

ContentId ReferenceId(ContentKind kind, ByteSpan message) {
  Bytes label;
  AppendBytes(label, AsBytes("varve id v1 "));
  label.push_back(static_cast<uint8_t>(kind));
  return ContentId{Reference(Reference(kKey, label), message)};
}

TEST(ContentHasher, OneMessageGetsTheIdOfTheFormat) {
  ContentHasher hasher(kKey);
  const Bytes message = RandomBytes(1, 5000);
  for (const ContentKind kind : {ContentKind::kChunk, ContentKind::kLeaf, ContentKind::kInner}) {
    EXPECT_EQ(hasher.Compute(kind, message), ReferenceId(kind, message));
  }
}

// Every length around the ends of blocks, where the padding takes one block or two.
TEST(ContentHasher, PairsGetTheIdsOfTheFormatAtEveryLength) {
  ContentHasher hasher(kKey);
  const Bytes bytes = RandomBytes(2, 4096);
  for (size_t length = 0; length <= 300; ++length) {
    const ByteSpan a = ByteSpan(bytes).first(length);
    const ByteSpan b = ByteSpan(bytes).subspan(1000, length);
    const ByteSpan messages[] = {a, b};
    ContentId ids[2];
    hasher.ComputeMany(ContentKind::kChunk, messages, ids);
    EXPECT_EQ(ids[0], ReferenceId(ContentKind::kChunk, a)) << length;
    EXPECT_EQ(ids[1], ReferenceId(ContentKind::kChunk, b)) << length;
  }
}

TEST(ContentHasher, ManyMessagesOfMixedLengthsKeepTheirOrder) {
  ContentHasher hasher(kKey);
  const Bytes bytes = RandomBytes(3, 1 << 20);
  const size_t lengths[] = {65536, 65536, 65536, 4096, 65536, 1, 1, 0, 0, 65537, 12288};
  std::vector<ByteSpan> messages;
  size_t offset = 3;  // unaligned on purpose
  for (const size_t length : lengths) {
    messages.push_back(ByteSpan(bytes).subspan(offset, length));
    offset += length;
  }
  std::vector<ContentId> ids(messages.size());
  hasher.ComputeMany(ContentKind::kLeaf, messages, ids);
  for (size_t i = 0; i < messages.size(); ++i) {
    EXPECT_EQ(ids[i], ReferenceId(ContentKind::kLeaf, messages[i])) << i;
  }
}

TEST(Sha256Pair, CompressesBothMessagesAsTheStandardSays) {
  if (!HasSha256Pair()) GTEST_SKIP() << "this CPU has no SHA instructions";
  // FIPS 180-4's example "abc", padded by hand, beside a block of other bytes.
  uint8_t abc[kSha256BlockBytes] = {'a', 'b', 'c', 0x80};
  abc[63] = 24;
  const Bytes other = RandomBytes(4, kSha256BlockBytes);
  const Sha256State expected = {0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223,
                                0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad};
  Sha256State first = kSha256Start;
  Sha256State second = kSha256Start;
  Sha256CompressPair(&first, abc, &second, other.data(), 1);
  EXPECT_EQ(first, expected);
  Sha256State swapped = kSha256Start;
  Sha256State alone = kSha256Start;
  Sha256CompressPair(&swapped, other.data(), &alone, abc, 1);
  EXPECT_EQ(alone, expected);
  EXPECT_EQ(swapped, second);
}

}  // namespace
}  // namespace varve
