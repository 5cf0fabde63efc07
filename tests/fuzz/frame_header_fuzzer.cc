// Headers of packs and of frames on any bytes, as they are and with their checksum put right.
#include <algorithm>

#include "format/raw_object.h"
#include "fuzz/small_object_fuzzing.h"

namespace varve {
namespace {

void ReadFrame(ByteSpan bytes) {
  uint64_t checksum = 0;
  const Result<FrameInfo> info = DecodeFrameHeader("pack", 96, bytes, &checksum);
  if (!info.ok()) return CheckRefusal(info.status());
  Bytes written(info->HeaderBytes());
  EncodeFrameHeader(*info, checksum, written.data());
  VARVE_CHECK(std::equal(written.begin(), written.end(), bytes.begin()));
}

void ReadPack(ByteSpan bytes) {
  const Result<PackHeader> header = DecodePackHeader("pack", bytes);
  if (!header.ok()) return CheckRefusal(header.status());
  Bytes written(kPackHeaderBytes);
  EncodePackHeader(*header, written.data());
  VARVE_CHECK(std::equal(written.begin(), written.end(), bytes.begin()));
}

}  // namespace
}  // namespace varve

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace varve;
  Bytes bytes(data, data + size);
  ReadPack(bytes);
  RepairPackHeader(MutableByteSpan(bytes));
  ReadPack(bytes);
  // A whole pack is a good seed: its first frame follows its header.
  const size_t at = size >= kPackHeaderBytes && AsText({data, 8}) == "VARVEPCK" ? 96 : 0;
  Bytes frame(data + at, data + size);
  ReadFrame(frame);
  RepairFrameHeader(frame);
  ReadFrame(frame);
  return 0;
}
