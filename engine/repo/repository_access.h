// How a repository that may be encrypted is opened: what its configuration says without a key, the
// key that somebody gives, and the Sealing that it makes. A configuration in the clear where it
// should not be is refused: otherwise the next snapshot would go into the clear unseen.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/random.h"
#include "base/status.h"
#include "format/config_format.h"
#include "io/sealing.h"
#include "io/storage.h"
#include "repo/key_slots.h"

namespace varve {

inline constexpr const char* kConfigPath = "config";
inline constexpr const char* kConfigCopyPath = "config.copy";

// The key that somebody may give.
struct RepositoryKey {
  // Asked only if the repository is encrypted; empty if there is no key.
  std::function<Result<KeyMaterial>()> read;
  // It was named for this repository: one in the clear is not the one that was meant.
  bool expected = false;
  // Opening for reading without any key is fine: what needs the key is KeyRequired then.
  bool may_stay_locked = false;
};

// The first key slot of a new encrypted repository.
struct FirstKeySlot {
  KeyMaterial material;
  std::string label;
  ScryptCost cost;
};

// What it takes to read what is sealed; empty for a repository in the clear, without a key for a
// locked one.
struct RepositoryAccess {
  std::string needs;  // of a locked one: which key, for messages
  std::unique_ptr<const UnlockedKey> key;
  std::unique_ptr<const Sealing> sealing;  // borrows the key
};

struct AccessRequest {
  std::string repository_name;  // for messages
  const RepositoryKey& key;
  bool for_reading_only = false;
  std::function<void(const std::string&)> notice;
};
// KeyRequired or WrongKey for an encrypted repository; InvalidArgument if a key was expected and it
// is in the clear, Corruption if it is and has key slots. `random` is borrowed by the Sealing.
Result<RepositoryAccess> OpenAccess(Storage& storage, const AccessRequest& request, Random& random);

// Makes a master key and its first slot, durable when it returns.
Result<RepositoryAccess> CreateAccess(Storage& storage, const RepositoryConfig& config,
                                      const FirstKeySlot& first, Random& random);
// Removes what an interrupted creation may have left in keys/.
Status RemoveKeySlots(Storage& storage);

// The configuration's object as it is stored in both places.
Result<Bytes> SealConfig(const Bytes& object, const RepositoryAccess& access);

}  // namespace varve
