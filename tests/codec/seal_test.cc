// The cryptography against the published vectors: the GCM specification's (McGrew and Viega, test
// cases 13 to 16), RFC 5869, RFC 7914.
#include "codec/seal.h"

#include <gtest/gtest.h>

#include "sim/random_bytes.h"

namespace varve {
namespace {

Bytes FromHexText(const std::string& hex) {
  Bytes bytes(hex.size() / 2);
  EXPECT_TRUE(FromHex(hex, bytes)) << hex;
  return bytes;
}

DerivedKey KeyOf(const std::string& hex) {
  DerivedKey key;
  EXPECT_TRUE(FromHex(hex, key.bytes));
  return key;
}

struct GcmVector {
  std::string key, nonce, associated, text, sealed, tag;
};

std::vector<GcmVector> GcmVectors() {
  const std::string zeros(64, '0');
  const std::string key = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
  const std::string nonce = "cafebabefacedbaddecaf888";
  const std::string text =
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255";
  const std::string sealed =
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
      "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad";
  return {{zeros, zeros.substr(0, 24), "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
          {zeros, zeros.substr(0, 24), "", zeros.substr(0, 32), "cea7403d4d606b6e074ec5d3baf39d18",
           "d0d1c8a799996bf0265b98b5d48ab919"},
          {key, nonce, "", text, sealed, "b094dac5d93471bdec1a502270e3cc6c"},
          {key, nonce, "feedfacedeadbeeffeedfacedeadbeefabaddad2", text.substr(0, 120),
           sealed.substr(0, 120), "76fc6ece0f4e1768cddf8853bb2d551b"}};
}

TEST(Seal, MatchesThePublishedGcmVectors) {
  FrameCipher cipher;  // one for all: what it remembers of one key must not reach the next
  for (const GcmVector& vector : GcmVectors()) {
    SealNonce nonce;
    ASSERT_TRUE(FromHex(vector.nonce, nonce));
    const Bytes associated = FromHexText(vector.associated);
    Bytes text = FromHexText(vector.text);
    Bytes tag(kSealTagBytes);
    cipher.Seal(KeyOf(vector.key), nonce, associated, text, tag.data());
    EXPECT_EQ(ToHex(text), vector.sealed);
    EXPECT_EQ(ToHex(tag), vector.tag);
    EXPECT_TRUE(cipher.Open(KeyOf(vector.key), nonce, associated, text, tag.data()));
    EXPECT_EQ(ToHex(text), vector.text);
  }
}

TEST(Seal, RefusesEveryFlippedBitOfKeyNonceAssociatedDataTextAndTag) {
  DerivedKey key = KeyOf(std::string(64, '7'));
  SealNonce nonce = NumberedNonce(96);
  Bytes associated = RandomBytes(1, 20);
  Bytes text = RandomBytes(2, 33);
  Bytes tag(kSealTagBytes);
  FrameCipher cipher;
  cipher.Seal(key, nonce, associated, text, tag.data());
  const auto opens = [&] {
    Bytes copy = text;
    return cipher.Open(key, nonce, associated, copy, tag.data());
  };
  ASSERT_TRUE(opens());
  for (const MutableByteSpan part :
       {MutableByteSpan(key.bytes), MutableByteSpan(nonce), MutableByteSpan(associated),
        MutableByteSpan(text), MutableByteSpan(tag)}) {
    for (size_t bit = 0; bit < part.size() * 8; ++bit) {
      part[bit / 8] = static_cast<uint8_t>(part[bit / 8] ^ (1 << bit % 8));
      EXPECT_FALSE(opens()) << "bit " << bit << " of " << part.size() << " bytes";
      part[bit / 8] = static_cast<uint8_t>(part[bit / 8] ^ (1 << bit % 8));
    }
  }
  EXPECT_TRUE(opens()) << "a refusal spoils nothing";
}

TEST(Seal, NumbersGiveDifferentNonces) {
  EXPECT_NE(NumberedNonce(1), NumberedNonce(2));
  EXPECT_NE(NumberedNonce(1), NumberedNonce(uint64_t{1} << 32));
  EXPECT_EQ(ToHex(NumberedNonce(0x0102030405060708)), "080706050403020100000000");
}

TEST(Seal, MatchesTheHkdfVectors) {
  Bytes counting(80), salt(80), info(80);
  for (size_t i = 0; i < 80; ++i) {
    counting[i] = static_cast<uint8_t>(i);
    salt[i] = static_cast<uint8_t>(0x60 + i);
    info[i] = static_cast<uint8_t>(0xb0 + i);
  }
  const Bytes elevens(22, 0x0b);
  EXPECT_EQ(
      ToHex(DeriveKey(elevens, ByteSpan(counting).first(13), FromHexText("f0f1f2f3f4f5f6f7f8f9"))
                .bytes),
      "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
  EXPECT_EQ(ToHex(DeriveKey(counting, salt, info).bytes),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c");
  EXPECT_EQ(ToHex(DeriveKey(elevens, Bytes(32), {}).bytes),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}

TEST(Seal, MatchesTheScryptVectors) {
  const Result<DerivedKey> first =
      StretchPassphrase(AsBytes("password"), AsBytes("NaCl"), {10, 8, 16});
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(ToHex(first->bytes),
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162");
  const Result<DerivedKey> second =
      StretchPassphrase(AsBytes("pleaseletmein"), AsBytes("SodiumChloride"), {14, 8, 1});
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(ToHex(second->bytes),
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2");
}

TEST(Seal, ScryptIsBoundedByTheLimits) {
  EXPECT_TRUE(IsAllowed(ScryptCost{}));
  EXPECT_TRUE(IsAllowed({20, 8, 1})) << "1 GiB";
  EXPECT_FALSE(IsAllowed({20, 9, 1})) << "more than 1 GiB";
  EXPECT_FALSE(IsAllowed({21, 1, 1}));
  EXPECT_FALSE(IsAllowed({63, 8, 1}));
  EXPECT_FALSE(IsAllowed({9, 8, 1})) << "too cheap";
  EXPECT_FALSE(IsAllowed({16, 0, 1}));
  EXPECT_FALSE(IsAllowed({16, 33, 1}));
  EXPECT_FALSE(IsAllowed({16, 0xffffffff, 1}));
  EXPECT_FALSE(IsAllowed({16, 8, 0}));
  EXPECT_FALSE(IsAllowed({16, 8, 17}));
}

}  // namespace
}  // namespace varve
