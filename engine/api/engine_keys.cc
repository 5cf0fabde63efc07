// The part of the engine that manages keys.
#include "api/engine.h"

namespace varve {

Result<KeySlotListing> Engine::KeySlots() {
  if (!repository_->encrypted()) {
    return InvalidArgument("repository " + repository_->name() + " is not encrypted");
  }
  return ListKeySlots(repository_->storage(), repository_->config().id);
}

Result<KeySlotId> Engine::AddKey(const EncryptionOptions& key) {
  VARVE_RETURN_IF_ERROR(KeySlots().status());
  VARVE_RETURN_IF_ERROR(repository_->CheckUnlocked());
  VARVE_ASSIGN_OR_RETURN(const KeyMaterial material, key.source.Read());
  VARVE_ASSIGN_OR_RETURN(const auto commit, repository_->LockCommit());
  const NewKeySlot slot{material, key.label, repository_->clock().NowUnixNs(), key.cost};
  return AddKeySlot(repository_->storage(), repository_->config().id,
                    repository_->key()->master_key, slot, repository_->random());
}

Result<KeySlotId> Engine::RemoveKey(const std::string& slot) {
  VARVE_ASSIGN_OR_RETURN(const auto commit, repository_->LockCommit());
  VARVE_ASSIGN_OR_RETURN(const KeySlotListing listing, KeySlots());
  // A slot of which no file is whole can be removed by its full id.
  KeySlotId id;
  const Result<KeySlot> selected = SelectKeySlot(listing, slot);
  if (selected.ok()) {
    id = selected->id;
  } else if (selected.status().code() != Code::kNotFound || !KeySlotId::Parse(slot, &id) ||
             listing.damage.empty()) {
    return selected.status();
  }
  VARVE_RETURN_IF_ERROR(RemoveKeySlot(repository_->storage(), repository_->config().id, id));
  return id;
}

Result<Bytes> Engine::ExportKey(const std::string& slot) {
  VARVE_ASSIGN_OR_RETURN(const KeySlotListing listing, KeySlots());
  VARVE_ASSIGN_OR_RETURN(const KeySlot selected, SelectKeySlot(listing, slot));
  return EncodeKeySlot(selected, repository_->config().id);
}

}  // namespace varve
