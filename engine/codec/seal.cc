#include "codec/seal.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <limits>

namespace varve {
namespace {

int Length(size_t size) {
  VARVE_CHECK(size <= static_cast<size_t>(std::numeric_limits<int>::max()));
  return static_cast<int>(size);
}

OSSL_PARAM OctetParameter(const char* name, ByteSpan bytes) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<uint8_t*>(bytes.data()), bytes.size());
}

// Runs one of OpenSSL's key derivation functions; false if it fails.
bool RunDerivation(const char* function, const OSSL_PARAM* parameters, MutableByteSpan key) {
  EVP_KDF* const kdf = EVP_KDF_fetch(nullptr, function, nullptr);
  VARVE_CHECK(kdf != nullptr);
  EVP_KDF_CTX* const context = EVP_KDF_CTX_new(kdf);
  EVP_KDF_free(kdf);
  VARVE_CHECK(context != nullptr);
  const bool derived = EVP_KDF_derive(context, key.data(), key.size(), parameters) == 1;
  EVP_KDF_CTX_free(context);
  return derived;
}

}  // namespace

// A context per direction, so that reading and writing by turns sets up no key anew.
struct FrameCipher::Context {
  struct Direction {
    explicit Direction(int encrypt) : evp(EVP_CIPHER_CTX_new()), encrypts(encrypt) {
      VARVE_CHECK(evp != nullptr);
      VARVE_CHECK(EVP_CipherInit_ex(evp, EVP_aes_256_gcm(), nullptr, nullptr, nullptr, encrypts) ==
                  1);
    }
    ~Direction() { EVP_CIPHER_CTX_free(evp); }  // wipes its key
    Direction(const Direction&) = delete;
    Direction& operator=(const Direction&) = delete;

    void Begin(const DerivedKey& wanted, const SealNonce& nonce, ByteSpan associated) {
      const bool same_key = keyed && key.bytes == wanted.bytes;
      VARVE_CHECK(EVP_CipherInit_ex(evp, nullptr, nullptr, same_key ? nullptr : wanted.bytes.data(),
                                    nonce.data(), encrypts) == 1);
      key = wanted;
      keyed = true;
      int ignored = 0;
      VARVE_CHECK(EVP_CipherUpdate(evp, nullptr, &ignored, associated.data(),
                                   Length(associated.size())) == 1);
    }

    void Transform(MutableByteSpan text) {
      int length = 0;
      VARVE_CHECK(EVP_CipherUpdate(evp, text.data(), &length, text.data(), Length(text.size())) ==
                  1);
      VARVE_CHECK(length == Length(text.size()));
    }

    EVP_CIPHER_CTX* const evp;
    const int encrypts;
    DerivedKey key;
    bool keyed = false;
  };

  Direction seal{1};
  Direction open{0};
};

SealNonce NumberedNonce(uint64_t number) {
  SealNonce nonce{};
  StoreLe(nonce.data(), number);
  return nonce;
}

FrameCipher::FrameCipher() : context_(std::make_unique<Context>()) {}
FrameCipher::~FrameCipher() = default;
FrameCipher::FrameCipher(FrameCipher&&) noexcept = default;

void FrameCipher::Seal(const DerivedKey& key, const SealNonce& nonce, ByteSpan associated,
                       MutableByteSpan text, uint8_t* tag) {
  Context::Direction& direction = context_->seal;
  direction.Begin(key, nonce, associated);
  direction.Transform(text);
  int none = 0;
  uint8_t unused[EVP_MAX_BLOCK_LENGTH];
  VARVE_CHECK(EVP_CipherFinal_ex(direction.evp, unused, &none) == 1 && none == 0);
  VARVE_CHECK(EVP_CIPHER_CTX_ctrl(direction.evp, EVP_CTRL_AEAD_GET_TAG, kSealTagBytes, tag) == 1);
}

bool FrameCipher::Open(const DerivedKey& key, const SealNonce& nonce, ByteSpan associated,
                       MutableByteSpan text, const uint8_t* tag) {
  Context::Direction& direction = context_->open;
  direction.Begin(key, nonce, associated);
  direction.Transform(text);
  VARVE_CHECK(EVP_CIPHER_CTX_ctrl(direction.evp, EVP_CTRL_AEAD_SET_TAG, kSealTagBytes,
                                  const_cast<uint8_t*>(tag)) == 1);
  int none = 0;
  uint8_t unused[EVP_MAX_BLOCK_LENGTH];
  return EVP_CipherFinal_ex(direction.evp, unused, &none) == 1;
}

DerivedKey DeriveKey(ByteSpan secret, ByteSpan salt, ByteSpan info) {
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      OctetParameter(OSSL_KDF_PARAM_KEY, secret), OctetParameter(OSSL_KDF_PARAM_SALT, salt),
      OctetParameter(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
  DerivedKey key;
  VARVE_CHECK(RunDerivation("HKDF", parameters, key.bytes));
  return key;
}

Result<DerivedKey> StretchPassphrase(ByteSpan passphrase, ByteSpan salt, const ScryptCost& cost) {
  VARVE_CHECK(IsAllowed(cost));
  uint64_t n = uint64_t{1} << cost.log2_n;
  uint32_t r = cost.r;
  uint32_t p = cost.p;
  uint64_t memory_max = 2 * kScryptMemoryMax;
  const OSSL_PARAM parameters[] = {
      OctetParameter(OSSL_KDF_PARAM_PASSWORD, passphrase),
      OctetParameter(OSSL_KDF_PARAM_SALT, salt),
      OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
      OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory_max),
      OSSL_PARAM_construct_end()};
  DerivedKey key;
  if (!RunDerivation("SCRYPT", parameters, key.bytes)) {
    return Status(Code::kNoSpace, "not enough memory to stretch a passphrase: " +
                                      std::to_string(uint64_t{128} * r * n) + " bytes needed");
  }
  return key;
}

}  // namespace varve
