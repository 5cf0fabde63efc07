// The key slots of an encrypted repository: keys/<id>, each twice (keys/<id>.copy), either one
// alone opens it. All hold the same master key, so slots come and go without touching anything
// else.
//
// Crash safety: a slot is used only when it is durable and was read back; a new one is there before
// an old one goes; the last slot cannot be removed.
// Functions over a Storage; one writer at a time (the writer's lock), readers meanwhile.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/secret.h"
#include "base/status.h"
#include "format/key_slot_format.h"
#include "io/storage.h"

namespace varve {

inline constexpr const char* kKeysDirectory = "keys";

// What somebody gives to open a repository, or to be let in from now on.
struct KeyMaterial {
  KeyMethod method = KeyMethod::kPassphrase;
  Secret secret;  // the passphrase, or the bytes of the key file
};

// A slot as it is found. At least one of its two files is whole.
struct FoundKeySlot {
  KeySlot slot;
  // Why a file cannot be used; empty if both are whole.
  std::vector<std::string> damage;
};

struct KeySlotListing {
  std::vector<FoundKeySlot> slots;  // by creation time
  // Files of keys/ that give no slot, and why.
  std::vector<std::string> damage;
};
Result<KeySlotListing> ListKeySlots(Storage& storage, const RepositoryId& repository);

struct UnlockedKey {
  Secret master_key;
  KeySlotId slot;  // that opened
};
// The master key by whichever slot `material` opens. WrongKey if it opens none; Corruption if there
// is no slot at all. Tries every slot of the method.
Result<UnlockedKey> Unlock(Storage& storage, const RepositoryId& repository,
                           const KeyMaterial& material);

struct NewKeySlot {
  const KeyMaterial& material;
  std::string label;
  int64_t created_unix_ns = 0;
  ScryptCost cost;
};
// Wraps the master key into a new slot, publishes it twice, reads both back and opens them.
// InvalidArgument for a passphrase or key file outside limits.h, or if there are too many slots.
Result<KeySlotId> AddKeySlot(Storage& storage, const RepositoryId& repository,
                             const Secret& master_key, const NewKeySlot& slot, Random& random);

// Removes both files of a slot. InvalidArgument if it is the last one that is whole.
Status RemoveKeySlot(Storage& storage, const RepositoryId& repository, const KeySlotId& id);

// By id or unique prefix.
Result<KeySlot> SelectKeySlot(const KeySlotListing& listing, const std::string& prefix);

std::string KeySlotPath(const KeySlotId& id);
std::string KeySlotCopyPath(const KeySlotId& id);

}  // namespace varve
