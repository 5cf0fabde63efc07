// DecodeSessionRecord on any bytes.
#include "format/session_record.h"
#include "fuzz/small_object_fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace varve;
  FuzzSmallObject(data, size, [](ByteSpan object) {
    const RepositoryId repository = ClaimedRepository(object);
    const auto id = ClaimedId<SessionId>(object);
    const Result<SessionRecord> session = DecodeSessionRecord("session", object, repository, id);
    if (!session.ok()) return CheckRefusal(session.status());
    const Bytes written = EncodeSessionRecord(*session, repository);
    const Result<SessionRecord> again = DecodeSessionRecord("session", written, repository, id);
    VARVE_CHECK(again.ok() && EncodeSessionRecord(*again, repository) == written);
  });
  return 0;
}
