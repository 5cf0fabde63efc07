// DecodeDamageRecord on any bytes.
#include "format/damage_record.h"
#include "fuzz/small_object_fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace varve;
  FuzzSmallObject(data, size, [](ByteSpan object) {
    const RepositoryId repository = ClaimedRepository(object);
    const auto id = ClaimedId<DamageId>(object);
    const Result<DamageRecord> damage = DecodeDamageRecord("damage", object, repository, id);
    if (!damage.ok()) return CheckRefusal(damage.status());
    const Bytes written = EncodeDamageRecord(*damage, repository);
    const Result<DamageRecord> again = DecodeDamageRecord("damage", written, repository, id);
    VARVE_CHECK(again.ok() && EncodeDamageRecord(*again, repository) == written);
  });
  return 0;
}
