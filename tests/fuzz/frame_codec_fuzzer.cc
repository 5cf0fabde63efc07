// FrameDecoder on any bytes, with and without a base: it must refuse or fill exactly what was asked
// for. And whatever FrameEncoder writes of any bytes must come back.
//
// Input: u32 raw length, u16 base length, the base, the stored bytes.
#include <algorithm>

#include "base/limits.h"
#include "codec/frame_codec.h"
#include "fuzz/small_object_fuzzing.h"

namespace varve {
namespace {

void DecodeAnything(FrameDecoder& decoder, ByteSpan stored, ByteSpan base, size_t raw_length) {
  Bytes raw(raw_length);
  const Status status = decoder.Decode(stored, base, raw);
  if (!status.ok()) return CheckRefusal(status);
  Bytes again(raw_length, 0xff);
  VARVE_CHECK(decoder.Decode(stored, base, again).ok());
  VARVE_CHECK(raw == again);
}

void EncodeAndDecode(FrameDecoder& decoder, ByteSpan raw, ByteSpan base) {
  static FrameEncoder& encoder = *new FrameEncoder(kCompressionLevelDefault);
  if (raw.empty()) return;
  Bytes stored(raw.size());
  Bytes decoded(raw.size());
  const std::optional<size_t> length =
      base.empty() ? encoder.EncodeWhole(raw, stored) : encoder.EncodeDelta(raw, base, stored);
  if (!length) return;
  VARVE_CHECK(decoder.Decode(ByteSpan(stored).first(*length), base, decoded).ok());
  VARVE_CHECK(std::equal(decoded.begin(), decoded.end(), raw.begin(), raw.end()));
}

}  // namespace
}  // namespace varve

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace varve;
  static FrameDecoder& decoder = *new FrameDecoder;
  if (size < 6) return 0;
  const size_t raw_length = LoadLe<uint32_t>(data) % kFrameRawMax + 1;
  const ByteSpan rest(data + 6, size - 6);
  const ByteSpan base = rest.first(std::min<size_t>(LoadLe<uint16_t>(data + 4), rest.size()));
  const ByteSpan stored = rest.subspan(base.size());
  DecodeAnything(decoder, stored, base, raw_length);
  DecodeAnything(decoder, stored, {}, raw_length);
  EncodeAndDecode(decoder, stored, base);
  EncodeAndDecode(decoder, stored, {});
  return 0;
}
