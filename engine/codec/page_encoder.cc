#include "codec/page_encoder.h"

#include <algorithm>

#include "base/status.h"
#include "codec/literals_encoder.h"
#include "codec/match_finder.h"
#include "codec/sequence_encoder.h"

namespace varve {
namespace {

constexpr uint32_t kMagic = 0xfd2fb528;
constexpr size_t kFrameHeaderMax = 4 + 1 + 4;
constexpr size_t kBlockHeaderBytes = 3;
constexpr uint32_t kLastBlock = 1;
constexpr uint32_t kRawBlock = 0;
constexpr uint32_t kCompressedBlock = 2;

// RFC 8878, 3.1.1.1: one segment, the content's size, no dictionary, no checksum.
size_t WriteFrameHeader(size_t raw_size, uint8_t* to) {
  StoreLe(to, kMagic);
  uint8_t* const descriptor = to + 4;
  uint8_t* const size = to + 5;
  if (raw_size < 256) {
    *descriptor = 0x20;
    *size = static_cast<uint8_t>(raw_size);
    return 6;
  }
  if (raw_size < 65536 + 256) {
    *descriptor = 0x60;
    StoreLe(size, static_cast<uint16_t>(raw_size - 256));
    return 7;
  }
  *descriptor = 0xa0;
  StoreLe(size, static_cast<uint32_t>(raw_size));
  return 9;
}

// The only block of its frame.
void WriteBlockHeader(uint32_t kind, size_t length, uint8_t* to) {
  const uint32_t header = kLastBlock | kind << 1 | static_cast<uint32_t>(length) << 3;
  std::memcpy(to, &header, kBlockHeaderBytes);
}

}  // namespace

struct PageEncoder::Scratch {
  MatchFinder finder;
  ParsedChunk parsed;
  SequenceEncoder sequences;
  // The frame, before anybody knows how long it is.
  std::array<uint8_t, kFrameHeaderMax + kBlockHeaderBytes + kLiteralsSectionMax +
                          SequenceEncoder::BytesMax(SequenceEncoder::kSequencesMax)>
      frame;
};

PageEncoder::PageEncoder() : scratch_(std::make_unique<Scratch>()) {}
PageEncoder::~PageEncoder() = default;
PageEncoder::PageEncoder(PageEncoder&&) noexcept = default;

// One compressed block; whether it is shorter than the raw bytes is the caller's question.
size_t PageEncoder::EncodeBlock(ByteSpan raw, uint8_t* to) {
  scratch_->finder.Parse(raw, &scratch_->parsed);
  uint8_t* next = to + kBlockHeaderBytes;
  next += EncodeLiterals(scratch_->parsed.literals(), next);
  next += scratch_->sequences.Encode(scratch_->parsed.sequences(), next);
  const auto length = static_cast<size_t>(next - to);
  WriteBlockHeader(kCompressedBlock, length - kBlockHeaderBytes, to);
  return length;
}

std::optional<size_t> PageEncoder::Encode(ByteSpan raw, MutableByteSpan to) {
  VARVE_CHECK(raw.size() <= kRawMax);
  if (raw.empty()) return std::nullopt;
  uint8_t* const frame = scratch_->frame.data();
  const size_t header_bytes = WriteFrameHeader(raw.size(), frame);
  size_t length = header_bytes + EncodeBlock(raw, frame + header_bytes);
  const size_t plain_length = header_bytes + kBlockHeaderBytes + raw.size();
  if (std::min(length, plain_length) > to.size()) return std::nullopt;
  if (length >= plain_length) {
    // The format forbids compressed blocks that are longer.
    WriteBlockHeader(kRawBlock, raw.size(), frame + header_bytes);
    std::memcpy(frame + header_bytes + kBlockHeaderBytes, raw.data(), raw.size());
    length = plain_length;
  }
  std::memcpy(to.data(), frame, length);
  return length;
}

}  // namespace varve
