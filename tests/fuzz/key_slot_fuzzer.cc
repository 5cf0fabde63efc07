// DecodeKeySlot on any bytes: a hostile slot must not ask for more than limits.h allows.
#include "format/key_slot_format.h"
#include "fuzz/small_object_fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace varve;
  FuzzSmallObject(data, size, [](ByteSpan object) {
    const RepositoryId repository = ClaimedRepository(object);
    const auto id = ClaimedId<KeySlotId>(object);
    const Result<KeySlot> slot = DecodeKeySlot("slot", object, repository, id);
    if (!slot.ok()) return CheckRefusal(slot.status());
    VARVE_CHECK(slot->method != KeyMethod::kPassphrase || IsAllowed(slot->cost));
    const Bytes written = EncodeKeySlot(*slot, repository);
    const Result<KeySlot> again = DecodeKeySlot("slot", written, repository, id);
    VARVE_CHECK(again.ok() && EncodeKeySlot(*again, repository) == written);
  });
  return 0;
}
