// Trailer and footer of a pack: any bytes as a whole pack, and once more with counts, offsets and
// checksums put right as a forger would, so that the entries are reached.
#include <algorithm>

#include "base/limits.h"
#include "format/raw_object.h"
#include "fuzz/small_object_fuzzing.h"

namespace varve {
namespace {

void ReadEnd(ByteSpan footer, ByteSpan trailer_bytes, uint64_t file_size) {
  const Result<PackTrailer> trailer = DecodePackTrailer("pack", trailer_bytes, file_size);
  if (!trailer.ok()) return CheckRefusal(trailer.status());
  VARVE_CHECK(trailer->footer_offset + trailer->footer_length + kPackTrailerBytes == file_size);
  if (trailer->footer_length != footer.size()) return;
  const Result<std::vector<FrameInfo>> frames = DecodeFooter("pack", *trailer, footer);
  if (!frames.ok()) return CheckRefusal(frames.status());
  VARVE_CHECK(frames->size() == trailer->frame_count);
  const PlacedFrame last = PlaceFrames(*frames).back();
  VARVE_CHECK(last.offset + last.info.FrameBytes() == trailer->footer_offset);
  Bytes written;
  AppendFooterAndTrailer({trailer->content, {}, trailer->id}, *frames, trailer->footer_offset,
                         &written);
  VARVE_CHECK(std::equal(footer.begin(), footer.end(), written.begin()));
  VARVE_CHECK(std::equal(trailer_bytes.begin(), trailer_bytes.end(),
                         written.end() - kPackTrailerBytes, written.end()));
}

// Where a footer of these entries would have to begin.
uint64_t FramesEnd(ByteSpan footer, uint32_t* count) {
  uint64_t end = kPackHeaderBytes;
  for (*count = 0; footer.size() >= 44; ++*count) {
    const bool is_delta = footer[1] == 2;
    end += (is_delta ? kDeltaHeaderBytes : kFrameHeaderBytes) + LoadLe<uint32_t>(&footer[8]);
    footer = footer.subspan(std::min<size_t>(footer.size(), is_delta ? 76 : 44));
  }
  return end;
}

void ReadRepairedEnd(ByteSpan footer, Bytes trailer) {
  uint32_t count = 0;
  const uint64_t footer_offset = FramesEnd(footer, &count);
  StoreLe<uint32_t>(&trailer[12], count);
  StoreLe<uint64_t>(&trailer[16], footer_offset);
  StoreLe<uint64_t>(&trailer[24], footer.size());
  StoreLe<uint64_t>(&trailer[48], ComputeChecksum(footer));
  RepairTrailer(trailer);
  ReadEnd(footer, trailer, footer_offset + footer.size() + kPackTrailerBytes);
}

}  // namespace
}  // namespace varve

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace varve;
  if (size < kPackTrailerBytes) return 0;
  const ByteSpan file(data, size);
  const ByteSpan trailer = file.last(kPackTrailerBytes);
  const ByteSpan before = file.first(size - kPackTrailerBytes);
  const auto offset = LoadLe<uint64_t>(&trailer[16]);
  // Frames are not looked at here; without a sane offset everything is the footer.
  const ByteSpan footer = offset <= before.size() ? before.subspan(offset) : before;
  ReadEnd(footer, trailer, size);
  ReadRepairedEnd(footer, Bytes(trailer.begin(), trailer.end()));
  return 0;
}
