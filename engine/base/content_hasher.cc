#include "base/content_hasher.h"

#include <openssl/evp.h>
#include <openssl/params.h>

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

std::array<uint8_t, 32> DeriveKey(const IdKey& id_key, ContentKind kind) {
  Bytes label;
  AppendBytes(label, AsBytes("varve id v1 "));
  label.push_back(static_cast<uint8_t>(kind));
  return Hmac(id_key).Compute(label);
}

}  // namespace

struct ContentHasher::Contexts {
  explicit Contexts(const IdKey& key)
      : chunk(DeriveKey(key, ContentKind::kChunk)),
        leaf(DeriveKey(key, ContentKind::kLeaf)),
        inner(DeriveKey(key, ContentKind::kInner)) {}
  Hmac chunk;
  Hmac leaf;
  Hmac inner;
};

ContentHasher::ContentHasher(const IdKey& id_key) : contexts_(std::make_unique<Contexts>(id_key)) {}
ContentHasher::~ContentHasher() = default;
ContentHasher::ContentHasher(ContentHasher&&) noexcept = default;

ContentId ContentHasher::Compute(ContentKind kind, ByteSpan bytes) {
  Hmac& hmac = kind == ContentKind::kChunk  ? contexts_->chunk
               : kind == ContentKind::kLeaf ? contexts_->leaf
                                            : contexts_->inner;
  return ContentId{hmac.Compute(bytes)};
}

}  // namespace varve
