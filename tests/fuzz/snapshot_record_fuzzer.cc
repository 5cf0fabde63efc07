// DecodeSnapshotRecord on any bytes.
#include "format/snapshot_record.h"
#include "fuzz/small_object_fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace varve;
  FuzzSmallObject(data, size, [](ByteSpan object) {
    const RepositoryId repository = ClaimedRepository(object);
    const auto id = ClaimedId<SnapshotId>(object);
    const Result<SnapshotRecord> record = DecodeSnapshotRecord("snapshot", object, repository, id);
    if (!record.ok()) return CheckRefusal(record.status());
    const Bytes written = EncodeSnapshotRecord(*record, repository);
    const Result<SnapshotRecord> again = DecodeSnapshotRecord("snapshot", written, repository, id);
    VARVE_CHECK(again.ok() && EncodeSnapshotRecord(*again, repository) == written);
  });
  return 0;
}
