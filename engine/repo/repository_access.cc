#include "repo/repository_access.h"

#include "base/limits.h"
#include "codec/repository_sealing.h"
#include "format/small_object.h"

namespace varve {
namespace {

struct ConfigEnvelope {
  bool encrypted = false;
  RepositoryId repository;
};

// What a whole copy of the configuration says without any key. Nothing if there is no whole copy.
std::optional<ConfigEnvelope> PeekConfig(Storage& storage) {
  for (const char* path : {kConfigPath, kConfigCopyPath}) {
    const Result<Bytes> object = storage.ReadSmall(path, kSmallObjectMax);
    if (!object.ok()) continue;
    const Result<SmallObjectEnvelope> envelope = OpenEnvelope(path, *object);
    if (!envelope.ok() || envelope->kind != ObjectKind::kConfig) continue;
    return ConfigEnvelope{envelope->sealed, envelope->repository};
  }
  return std::nullopt;
}

// A configuration in the clear beside key slots: somebody wants the next snapshots in the clear.
Status CheckInTheClear(Storage& storage, const AccessRequest& request) {
  if (request.key.expected) {
    return InvalidArgument("repository " + request.repository_name +
                           " is not encrypted, but a key was given");
  }
  const Result<std::vector<DirectoryEntry>> slots = storage.List(kKeysDirectory);
  if (slots.status().code() == Code::kNotFound) return {};
  VARVE_RETURN_IF_ERROR(slots.status());
  if (slots->empty()) return {};
  return Corruption("repository " + request.repository_name +
                    ": its configuration is in the clear, but it has key slots");
}

// "a passphrase (key slot 7f3a 'laptop', 1b2c 'safe') or a key file (key slot 99aa)"
std::string DescribeSlots(const KeySlotListing& listing) {
  std::string text;
  for (const KeyMethod method : {KeyMethod::kPassphrase, KeyMethod::kKeyFile}) {
    std::string labels;
    for (const FoundKeySlot& found : listing.slots) {
      if (found.slot.method != method) continue;
      labels += (labels.empty() ? "" : ", ") + found.slot.id.Short() +
                (found.slot.label.empty() ? "" : " '" + found.slot.label + "'");
    }
    if (labels.empty()) continue;
    text += (text.empty() ? "a " : " or a ") + std::string(KeyMethodName(method)) + " (key slot " +
            labels + ")";
  }
  return text.empty() ? "a key, but no key slot is whole" : text;
}

void TellDamage(const KeySlotListing& listing, const AccessRequest& request) {
  for (const FoundKeySlot& found : listing.slots) {
    for (const std::string& line : found.damage)
      request.notice(line + " (the slot's other file is good)");
  }
  for (const std::string& line : listing.damage)
    request.notice(line);
}

}  // namespace

Result<RepositoryAccess> OpenAccess(Storage& storage, const AccessRequest& request,
                                    Random& random) {
  RepositoryAccess access;
  const std::optional<ConfigEnvelope> envelope = PeekConfig(storage);
  if (!envelope) return access;  // reading the configuration says what is wrong
  if (!envelope->encrypted) {
    VARVE_RETURN_IF_ERROR(CheckInTheClear(storage, request));
    return access;
  }
  VARVE_ASSIGN_OR_RETURN(const KeySlotListing listing, ListKeySlots(storage, envelope->repository));
  TellDamage(listing, request);
  const std::string context = "repository " + request.repository_name + " is encrypted";
  if (!request.key.read) {
    const std::string hint = context + " and needs " + DescribeSlots(listing);
    if (!request.for_reading_only || !request.key.may_stay_locked) return KeyRequired(hint);
    access.needs = hint;
    access.sealing = NewLockedSealing(envelope->repository, hint);
    return access;
  }
  VARVE_ASSIGN_OR_RETURN(const KeyMaterial material, request.key.read());
  Result<UnlockedKey> unlocked = Unlock(storage, envelope->repository, material);
  if (!unlocked.ok()) return unlocked.status().WithContext(context);
  if (!unlocked->master_key.locked()) {
    request.notice("the key is not locked in memory and may be swapped out (RLIMIT_MEMLOCK)");
  }
  access.key = std::make_unique<const UnlockedKey>(*std::move(unlocked));
  access.sealing = NewRepositorySealing(access.key->master_key, envelope->repository, random);
  return access;
}

Result<RepositoryAccess> CreateAccess(Storage& storage, const RepositoryConfig& config,
                                      const FirstKeySlot& first, Random& random) {
  VARVE_RETURN_IF_ERROR(storage.CreateDirectory(kKeysDirectory));
  UnlockedKey key{Secret(kMasterKeyBytes), {}};
  random.Fill(key.master_key.span());
  const NewKeySlot slot{first.material, first.label, config.created_unix_ns, first.cost};
  VARVE_ASSIGN_OR_RETURN(key.slot, AddKeySlot(storage, config.id, key.master_key, slot, random));
  RepositoryAccess access;
  access.key = std::make_unique<const UnlockedKey>(std::move(key));
  access.sealing = NewRepositorySealing(access.key->master_key, config.id, random);
  return access;
}

Status RemoveKeySlots(Storage& storage) {
  const Result<std::vector<DirectoryEntry>> files = storage.List(kKeysDirectory);
  if (files.status().code() == Code::kNotFound) return {};
  VARVE_RETURN_IF_ERROR(files.status());
  VARVE_RETURN_IF_ERROR(storage.RemoveTemporaries(kKeysDirectory));
  for (const DirectoryEntry& file : *files) {
    VARVE_RETURN_IF_ERROR(storage.Remove(std::string(kKeysDirectory) + "/" + file.name));
  }
  return {};
}

Result<Bytes> SealConfig(const Bytes& object, const RepositoryAccess& access) {
  if (access.sealing == nullptr) return object;
  const ByteSpan piece = object;
  VARVE_ASSIGN_OR_RETURN(const std::optional<Bytes> sealed,
                         access.sealing->Seal(kConfigPath, {&piece, 1}));
  VARVE_CHECK(sealed.has_value());
  return *sealed;
}

}  // namespace varve
