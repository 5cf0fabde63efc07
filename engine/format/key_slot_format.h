// Key slots (FORMAT.md §13): the master key of an encrypted repository, wrapped by a passphrase or
// a key file. Several slots open the same repository. A plain value; nothing in it is secret.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/status.h"

namespace varve {

enum class KeyMethod : uint8_t { kPassphrase = 1, kKeyFile = 2 };

// "passphrase" or "key file".
std::string_view KeyMethodName(KeyMethod method);

// What one guess of a passphrase costs (scrypt, RFC 7914).
struct ScryptCost {
  uint32_t log2_n = 16;
  uint32_t r = 8;
  uint32_t p = 2;
  friend bool operator==(const ScryptCost&, const ScryptCost&) = default;
};
// Within limits.h?
bool IsAllowed(const ScryptCost& cost);

struct KeySlot {
  KeySlotId id;
  KeyMethod method = KeyMethod::kPassphrase;
  int64_t created_unix_ns = 0;
  std::string label;  // for people
  ScryptCost cost;    // of passphrases only
  std::array<uint8_t, kSealSaltBytes> salt{};
  std::array<uint8_t, kMasterKeyBytes + kSealTagBytes> wrapped_key{};  // and its tag
};

Bytes EncodeKeySlot(const KeySlot& slot, const RepositoryId& repository);
// Corruption unless the object belongs to `repository` and to `id` (its file's name).
Result<KeySlot> DecodeKeySlot(const std::string& name, ByteSpan object,
                              const RepositoryId& repository, const KeySlotId& id);
// What the tag of the wrapped key binds: everything else that the slot says.
Bytes KeySlotAssociatedData(const KeySlot& slot, const RepositoryId& repository);

}  // namespace varve
