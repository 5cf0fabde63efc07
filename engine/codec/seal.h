// The cryptography of sealed repositories and nothing else: AES-256-GCM, HKDF-SHA-256 and scrypt,
// of OpenSSL. What is sealed with which key and bound to what is FORMAT.md §12; the callers do
// that.
#pragma once

#include <array>
#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/secret.h"
#include "base/status.h"
#include "format/key_slot_format.h"

namespace varve {

// Must never come twice under one key: callers count, or use a key once.
using SealNonce = std::array<uint8_t, 12>;
// `number` as 64 bits little-endian, then 32 zero bits.
SealNonce NumberedNonce(uint64_t number);

// AES-256-GCM.
// Thread-compatible: one per thread; remembers the last key it was set up for.
class FrameCipher {
 public:
  FrameCipher();
  ~FrameCipher();
  FrameCipher(FrameCipher&&) noexcept;
  FrameCipher& operator=(FrameCipher&&) = delete;

  // Seals `text` in place and writes its tag of kSealTagBytes.
  void Seal(const DerivedKey& key, const SealNonce& nonce, ByteSpan associated,
            MutableByteSpan text, uint8_t* tag);
  // Opens `text` in place. False if key, nonce, associated data, text or tag is another; the
  // text is of no use then.
  [[nodiscard]] bool Open(const DerivedKey& key, const SealNonce& nonce, ByteSpan associated,
                          MutableByteSpan text, const uint8_t* tag);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// HKDF-SHA-256 (RFC 5869).
DerivedKey DeriveKey(ByteSpan secret, ByteSpan salt, ByteSpan info);

// scrypt (RFC 7914). `cost` must be allowed. NoSpace if the machine has not the memory.
Result<DerivedKey> StretchPassphrase(ByteSpan passphrase, ByteSpan salt, const ScryptCost& cost);

}  // namespace varve
