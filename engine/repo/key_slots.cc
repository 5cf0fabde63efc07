#include "repo/key_slots.h"

#include <algorithm>
#include <set>

#include "codec/seal.h"

namespace varve {
namespace {

constexpr const char* kCopySuffix = ".copy";
// A slot's key wraps once.
constexpr SealNonce kWrapNonce{};

Status CheckMaterial(const KeyMaterial& material) {
  const size_t size = material.secret.size();
  if (material.method == KeyMethod::kPassphrase) {
    if (size >= 1 && size <= kPassphraseBytesMax) return {};
    return InvalidArgument("a passphrase must have 1 to " + std::to_string(kPassphraseBytesMax) +
                           " bytes, not " + std::to_string(size));
  }
  if (size >= kKeyFileBytesMin && size <= kKeyFileBytesMax) return {};
  return InvalidArgument("a key file must have " + std::to_string(kKeyFileBytesMin) + " to " +
                         std::to_string(kKeyFileBytesMax) + " bytes, not " + std::to_string(size));
}

Result<DerivedKey> WrappingKey(const KeySlot& slot, const KeyMaterial& material) {
  if (slot.method == KeyMethod::kPassphrase) {
    return StretchPassphrase(material.secret.span(), slot.salt, slot.cost);
  }
  return DeriveKey(material.secret.span(), slot.salt, AsBytes("varve key file v1"));
}

void Wrap(const Secret& master_key, const DerivedKey& key, const RepositoryId& repository,
          KeySlot* slot) {
  const ByteSpan master = master_key.span();
  const MutableByteSpan wrapped = slot->wrapped_key;
  std::copy(master.begin(), master.end(), wrapped.begin());
  FrameCipher().Seal(key, kWrapNonce, KeySlotAssociatedData(*slot, repository),
                     wrapped.first(kMasterKeyBytes), &wrapped[kMasterKeyBytes]);
}

// Nothing if the key is not the slot's.
std::optional<Secret> Unwrap(const KeySlot& slot, const DerivedKey& key,
                             const RepositoryId& repository) {
  Secret master_key = Secret::Copy(ByteSpan(slot.wrapped_key).first(kMasterKeyBytes));
  if (!FrameCipher().Open(key, kWrapNonce, KeySlotAssociatedData(slot, repository),
                          master_key.span(), &slot.wrapped_key[kMasterKeyBytes])) {
    return std::nullopt;
  }
  return master_key;
}

Result<KeySlot> ReadSlot(Storage& storage, const RepositoryId& repository, const KeySlotId& id,
                         const std::string& path) {
  VARVE_ASSIGN_OR_RETURN(const Bytes object, storage.ReadSmall(path, kSmallObjectMax));
  return DecodeKeySlot(path, object, repository, id);
}

// One slot from its two files. NotFound if neither exists, else the failure of the first.
Result<FoundKeySlot> ReadTwins(Storage& storage, const RepositoryId& repository,
                               const KeySlotId& id) {
  std::optional<FoundKeySlot> found;
  std::vector<std::string> damage;
  Status failure;
  for (const std::string& path : {KeySlotPath(id), KeySlotCopyPath(id)}) {
    Result<KeySlot> slot = ReadSlot(storage, repository, id, path);
    if (!slot.ok()) {
      damage.push_back(slot.status().code() == Code::kNotFound ? path + ": is missing"
                                                               : slot.status().message());
      if (failure.ok() || failure.code() == Code::kNotFound) failure = slot.status();
    } else if (!found) {
      found = FoundKeySlot{*slot, {}};
    } else if (EncodeKeySlot(*slot, repository) != EncodeKeySlot(found->slot, repository)) {
      damage.push_back(path + ": is not the same as " + KeySlotPath(id));
    }
  }
  if (!found) return failure;
  found->damage = std::move(damage);
  return *found;
}

Status RemoveIfThere(Storage& storage, const std::string& path) {
  const Status removed = storage.Remove(path);
  return removed.code() == Code::kNotFound ? Status() : removed;
}

}  // namespace

std::string KeySlotPath(const KeySlotId& id) {
  return std::string(kKeysDirectory) + "/" + id.Hex();
}
std::string KeySlotCopyPath(const KeySlotId& id) {
  return KeySlotPath(id) + kCopySuffix;
}

Result<KeySlotListing> ListKeySlots(Storage& storage, const RepositoryId& repository) {
  VARVE_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> files, storage.List(kKeysDirectory));
  KeySlotListing listing;
  std::set<KeySlotId> ids;
  for (const DirectoryEntry& file : files) {
    std::string name = file.name;
    if (name.ends_with(kCopySuffix)) name.resize(name.size() - std::string(kCopySuffix).size());
    KeySlotId id;
    if (KeySlotId::Parse(name, &id)) {
      ids.insert(id);
    } else {
      listing.damage.push_back(std::string(kKeysDirectory) + "/" + file.name +
                               ": is no name of a key slot");
    }
  }
  for (const KeySlotId& id : ids) {
    const Result<FoundKeySlot> found = ReadTwins(storage, repository, id);
    if (found.ok()) {
      listing.slots.push_back(*found);
    } else if (found.status().code() == Code::kCorruption ||
               found.status().code() == Code::kUnsupported || found.status().code() == Code::kIo) {
      listing.damage.push_back(found.status().message());
    } else if (found.status().code() != Code::kNotFound) {  // removed while we looked
      return found.status();
    }
  }
  std::sort(listing.slots.begin(), listing.slots.end(),
            [](const FoundKeySlot& a, const FoundKeySlot& b) {
              return std::tie(a.slot.created_unix_ns, a.slot.id) <
                     std::tie(b.slot.created_unix_ns, b.slot.id);
            });
  return listing;
}

Result<UnlockedKey> Unlock(Storage& storage, const RepositoryId& repository,
                           const KeyMaterial& material) {
  VARVE_RETURN_IF_ERROR(CheckMaterial(material));
  VARVE_ASSIGN_OR_RETURN(const KeySlotListing listing, ListKeySlots(storage, repository));
  if (listing.slots.empty()) {
    return Corruption("no key slot is whole" +
                      (listing.damage.empty() ? std::string() : ": " + listing.damage.front()));
  }
  size_t tried = 0;
  for (const FoundKeySlot& found : listing.slots) {
    if (found.slot.method != material.method) continue;
    ++tried;
    VARVE_ASSIGN_OR_RETURN(const DerivedKey key, WrappingKey(found.slot, material));
    std::optional<Secret> master_key = Unwrap(found.slot, key, repository);
    if (master_key) return UnlockedKey{*std::move(master_key), found.slot.id};
  }
  return WrongKey("the " + std::string(KeyMethodName(material.method)) + " opens none of the " +
                  std::to_string(listing.slots.size()) + " key slots (" + std::to_string(tried) +
                  " are for a " + std::string(KeyMethodName(material.method)) + ")");
}

Result<KeySlotId> AddKeySlot(Storage& storage, const RepositoryId& repository,
                             const Secret& master_key, const NewKeySlot& wanted, Random& random) {
  VARVE_RETURN_IF_ERROR(CheckMaterial(wanted.material));
  if (wanted.label.size() > kNameBytesMax || wanted.label.find('\0') != std::string::npos) {
    return InvalidArgument("a label has at most " + std::to_string(kNameBytesMax) + " bytes");
  }
  if (!IsAllowed(wanted.cost)) return InvalidArgument("scrypt cost outside the limits");
  VARVE_ASSIGN_OR_RETURN(const KeySlotListing listing, ListKeySlots(storage, repository));
  if (listing.slots.size() >= kKeySlotsMax) {
    return InvalidArgument("there are " + std::to_string(kKeySlotsMax) +
                           " key slots already; remove one first");
  }
  KeySlot slot;
  slot.id = random.NewId<KeySlotId>();
  slot.method = wanted.material.method;
  slot.created_unix_ns = wanted.created_unix_ns;
  slot.label = wanted.label;
  slot.cost = wanted.cost;
  random.Fill(slot.salt);
  VARVE_ASSIGN_OR_RETURN(const DerivedKey key, WrappingKey(slot, wanted.material));
  Wrap(master_key, key, repository, &slot);
  const Bytes object = EncodeKeySlot(slot, repository);
  for (const std::string& path : {KeySlotPath(slot.id), KeySlotCopyPath(slot.id)}) {
    VARVE_RETURN_IF_ERROR(storage.Publish(path, object));
  }
  // Beyond this point the slot is durable. It is worth something only if what was written opens.
  for (const std::string& path : {KeySlotPath(slot.id), KeySlotCopyPath(slot.id)}) {
    VARVE_ASSIGN_OR_RETURN(const KeySlot read, ReadSlot(storage, repository, slot.id, path));
    const std::optional<Secret> opened = Unwrap(read, key, repository);
    if (!opened || !std::equal(opened->span().begin(), opened->span().end(),
                               master_key.span().begin(), master_key.span().end())) {
      return Corruption(path + ": does not open after it was written");
    }
  }
  return slot.id;
}

Status RemoveKeySlot(Storage& storage, const RepositoryId& repository, const KeySlotId& id) {
  VARVE_ASSIGN_OR_RETURN(const KeySlotListing listing, ListKeySlots(storage, repository));
  const auto is_other = [&](const FoundKeySlot& found) { return found.slot.id != id; };
  if (std::none_of(listing.slots.begin(), listing.slots.end(), is_other)) {
    return InvalidArgument("key slot " + id.Short() +
                           " is the last one: without it nobody could open the repository");
  }
  // A crash in between leaves one file, and the slot as it was: it can be removed again.
  VARVE_RETURN_IF_ERROR(RemoveIfThere(storage, KeySlotCopyPath(id)));
  return RemoveIfThere(storage, KeySlotPath(id));
}

Result<KeySlot> SelectKeySlot(const KeySlotListing& listing, const std::string& prefix) {
  std::vector<const KeySlot*> matches;
  for (const FoundKeySlot& found : listing.slots) {
    if (!prefix.empty() && found.slot.id.Hex().starts_with(prefix)) matches.push_back(&found.slot);
  }
  if (matches.empty()) return NotFound("no key slot begins with '" + prefix + "'");
  if (matches.size() > 1) {
    return InvalidArgument("'" + prefix + "' is ambiguous: " + std::to_string(matches.size()) +
                           " key slots begin with it");
  }
  return *matches[0];
}

}  // namespace varve
