// DecodeConfig on any bytes.
#include "format/config_format.h"
#include "fuzz/small_object_fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace varve;
  FuzzSmallObject(data, size, [](ByteSpan object) {
    const Result<RepositoryConfig> config = DecodeConfig("config", object);
    if (!config.ok()) return CheckRefusal(config.status());
    const Bytes written = EncodeConfig(*config);
    const Result<RepositoryConfig> again = DecodeConfig("config", written);
    VARVE_CHECK(again.ok() && EncodeConfig(*again) == written);
  });
  return 0;
}
