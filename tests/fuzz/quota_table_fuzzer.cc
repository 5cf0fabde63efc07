// DecodeQuotaTable on any bytes.
#include "format/quota_table.h"
#include "fuzz/small_object_fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace varve;
  FuzzSmallObject(data, size, [](ByteSpan object) {
    const RepositoryId repository = ClaimedRepository(object);
    const auto id = ClaimedId<QuotaTableId>(object);
    const Result<QuotaTable> table = DecodeQuotaTable("quotas", object, repository, id);
    if (!table.ok()) return CheckRefusal(table.status());
    const Bytes written = EncodeQuotaTable(*table, repository);
    const Result<QuotaTable> again = DecodeQuotaTable("quotas", written, repository, id);
    VARVE_CHECK(again.ok() && EncodeQuotaTable(*again, repository) == written);
  });
  return 0;
}
