#include "store/frame_opener.h"

#include "codec/repository_sealing.h"
#include "store/pack_reader.h"

namespace varve {
namespace {
// Keys are found again with one small read.
constexpr size_t kKeysMax = 1024;
}  // namespace

Result<const DerivedKey*> FrameOpener::KeyOf(const PackId& pack) {
  if (const auto known = keys_.find(pack); known != keys_.end()) return &known->second;
  VARVE_ASSIGN_OR_RETURN(const PackSalt salt, ReadPackSalt(storage_, pack));
  VARVE_ASSIGN_OR_RETURN(const DerivedKey key, storage_.sealing()->PackKey(pack, salt));
  if (keys_.size() == kKeysMax) keys_.clear();
  return &keys_.insert_or_assign(pack, key).first->second;
}

Result<ByteSpan> FrameOpener::Open(const PackId& pack, const PlacedFrame& placed,
                                   MutableByteSpan stored) {
  const Sealing* const sealing = storage_.sealing();
  if (placed.info.sealed != (sealing != nullptr)) {
    return Corruption("pack " + pack.Hex() + ": frame at " + std::to_string(placed.offset) +
                      (sealing != nullptr ? ": is in the clear, but the repository is encrypted"
                                          : ": is sealed, but the repository is not encrypted"));
  }
  if (sealing == nullptr) return ByteSpan(stored);
  VARVE_ASSIGN_OR_RETURN(const DerivedKey* key, KeyOf(pack));
  return OpenFrame(cipher_, *key, sealing->repository(), pack, placed, stored);
}

}  // namespace varve
