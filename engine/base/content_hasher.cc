#include "base/content_hasher.h"

#include <openssl/evp.h>
#include <openssl/params.h>

#include <cstring>
#include <optional>

#include "base/sha256_pair.h"
#include "base/status.h"

namespace varve {
namespace {

// One HMAC-SHA-256 context, keyed once and reset before each message.
class Hmac {
 public:
  explicit Hmac(ByteSpan key) {
    EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    VARVE_CHECK(mac != nullptr);
    context_ = EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac);
    VARVE_CHECK(context_ != nullptr);
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                     OSSL_PARAM_construct_end()};
    VARVE_CHECK(EVP_MAC_init(context_, key.data(), key.size(), parameters) == 1);
  }
  ~Hmac() { EVP_MAC_CTX_free(context_); }
  Hmac(const Hmac&) = delete;
  Hmac& operator=(const Hmac&) = delete;

  std::array<uint8_t, 32> Compute(ByteSpan message) {
    std::array<uint8_t, 32> digest{};
    size_t length = 0;
    VARVE_CHECK(EVP_MAC_init(context_, nullptr, 0, nullptr) == 1);
    VARVE_CHECK(EVP_MAC_update(context_, message.data(), message.size()) == 1);
    VARVE_CHECK(EVP_MAC_final(context_, digest.data(), &length, digest.size()) == 1);
    VARVE_CHECK(length == digest.size());
    return digest;
  }

 private:
  EVP_MAC_CTX* context_ = nullptr;
};

// HMAC-SHA-256 of two messages of equal length at a time. Only where HasSha256Pair().
class PairedHmac {
 public:
  explicit PairedHmac(ByteSpan key) {
    VARVE_CHECK(key.size() <= kSha256BlockBytes);
    uint8_t inner[kSha256BlockBytes];
    uint8_t outer[kSha256BlockBytes];
    for (size_t i = 0; i < kSha256BlockBytes; ++i) {
      const uint8_t byte = i < key.size() ? key[i] : 0;
      inner[i] = byte ^ 0x36;
      outer[i] = byte ^ 0x5c;
    }
    Sha256CompressPair(&inner_, inner, &outer_, outer, 1);
  }

  void Compute(ByteSpan a, ByteSpan b, ContentId* id_a, ContentId* id_b) const {
    Sha256State state_a = inner_;
    Sha256State state_b = inner_;
    const size_t whole = a.size() / kSha256BlockBytes;
    Sha256CompressPair(&state_a, a.data(), &state_b, b.data(), whole);
    const size_t done = whole * kSha256BlockBytes;
    Finish(a.subspan(done), b.subspan(done), kSha256BlockBytes + a.size(), &state_a, &state_b);
    uint8_t digest_a[32];
    uint8_t digest_b[32];
    StoreDigest(state_a, digest_a);
    StoreDigest(state_b, digest_b);
    state_a = outer_;
    state_b = outer_;
    Finish(digest_a, digest_b, kSha256BlockBytes + sizeof(digest_a), &state_a, &state_b);
    StoreDigest(state_a, digest_a);
    StoreDigest(state_b, digest_b);
    *id_a = ContentId::FromBytes(digest_a);
    *id_b = ContentId::FromBytes(digest_b);
  }

 private:
  // The last, incomplete blocks with their padding. `total` counts all bytes of the message.
  static void Finish(ByteSpan rest_a, ByteSpan rest_b, uint64_t total, Sha256State* a,
                     Sha256State* b) {
    uint8_t tail_a[2 * kSha256BlockBytes];
    uint8_t tail_b[2 * kSha256BlockBytes];
    const size_t blocks = Pad(rest_a, total, tail_a);
    Pad(rest_b, total, tail_b);
    Sha256CompressPair(a, tail_a, b, tail_b, blocks);
  }

  static size_t Pad(ByteSpan rest, uint64_t total, uint8_t* tail) {
    const size_t blocks = rest.size() + 1 + 8 > kSha256BlockBytes ? 2 : 1;
    const size_t end = blocks * kSha256BlockBytes;
    std::memset(tail, 0, end);
    if (!rest.empty()) std::memcpy(tail, rest.data(), rest.size());
    tail[rest.size()] = 0x80;
    for (size_t i = 0; i < 8; ++i)
      tail[end - 1 - i] = static_cast<uint8_t>(total * 8 >> (8 * i));
    return blocks;
  }

  static void StoreDigest(const Sha256State& state, uint8_t* digest) {
    for (size_t i = 0; i < 32; ++i) {
      digest[i] = static_cast<uint8_t>(state[i / 4] >> (24 - 8 * (i % 4)));
    }
  }

  Sha256State inner_ = kSha256Start;
  Sha256State outer_ = kSha256Start;
};

std::array<uint8_t, 32> DeriveKey(const IdKey& id_key, ContentKind kind) {
  Bytes label;
  AppendBytes(label, AsBytes("varve id v1 "));
  label.push_back(static_cast<uint8_t>(kind));
  return Hmac(id_key).Compute(label);
}

}  // namespace

// The key of one kind, in both implementations.
struct KindHmac {
  explicit KindHmac(ByteSpan key) : single(key) {
    if (HasSha256Pair()) paired.emplace(key);
  }
  Hmac single;
  std::optional<PairedHmac> paired;
};

struct ContentHasher::Contexts {
  explicit Contexts(const IdKey& key)
      : chunk(DeriveKey(key, ContentKind::kChunk)),
        leaf(DeriveKey(key, ContentKind::kLeaf)),
        inner(DeriveKey(key, ContentKind::kInner)) {}
  KindHmac& Of(ContentKind kind) {
    return kind == ContentKind::kChunk ? chunk : kind == ContentKind::kLeaf ? leaf : inner;
  }
  KindHmac chunk;
  KindHmac leaf;
  KindHmac inner;
};

ContentHasher::ContentHasher(const IdKey& id_key) : contexts_(std::make_unique<Contexts>(id_key)) {}
ContentHasher::~ContentHasher() = default;
ContentHasher::ContentHasher(ContentHasher&&) noexcept = default;

ContentId ContentHasher::Compute(ContentKind kind, ByteSpan bytes) {
  return ContentId{contexts_->Of(kind).single.Compute(bytes)};
}

void ContentHasher::ComputeMany(ContentKind kind, std::span<const ByteSpan> messages,
                                std::span<ContentId> ids) {
  VARVE_CHECK(messages.size() == ids.size());
  KindHmac& hmac = contexts_->Of(kind);
  for (size_t i = 0; i < messages.size();) {
    const bool pair =
        hmac.paired && i + 1 < messages.size() && messages[i].size() == messages[i + 1].size();
    if (pair) {
      hmac.paired->Compute(messages[i], messages[i + 1], &ids[i], &ids[i + 1]);
    } else {
      ids[i] = ContentId{hmac.single.Compute(messages[i])};
    }
    i += pair ? 2 : 1;
  }
}

}  // namespace varve
