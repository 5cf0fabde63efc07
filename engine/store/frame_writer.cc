#include "store/frame_writer.h"

#include <cstring>

#include "base/fingerprint.h"
#include "base/limits.h"

namespace varve {

void FrameBatch::AppendStored(ByteSpan frame, const FrameInfo& info) {
  VARVE_CHECK(frame.size() == info.FrameBytes() && used_ + frame.size() <= buffer_.size());
  std::memcpy(buffer_.data() + used_, frame.data(), frame.size());
  used_ += frame.size();
  frames_.push_back(info);
}

FrameWriter::FrameWriter(int compression_level)
    : encoder_(compression_level), decoded_(kFrameRawMax) {}

Status FrameWriter::Append(ContentKind kind, const ContentId& id, ByteSpan raw,
                           const DeltaBase* base, FrameBatch* batch) {
  VARVE_CHECK(batch->used_ + kDeltaHeaderBytes + raw.size() <= batch->buffer_.size());
  FrameInfo info;
  info.kind = kind;
  info.raw_length = static_cast<uint32_t>(raw.size());
  info.id = id;
  uint8_t* const frame = batch->buffer_.data() + batch->used_;
  Encode(raw, base, frame, &info);
  const size_t header_bytes = info.HeaderBytes();
  const ByteSpan stored(frame + header_bytes, info.stored_length);
  VARVE_RETURN_IF_ERROR(Verify(info, stored, base, raw));
  EncodeFrameHeader(info, ComputeChecksum(stored), frame);
  batch->used_ += header_bytes + info.stored_length;
  batch->frames_.push_back(info);
  return {};
}

void FrameWriter::Encode(ByteSpan raw, const DeltaBase* base, uint8_t* frame, FrameInfo* info) {
  if (base != nullptr) {
    const size_t length_max = DeltaLengthMax(raw.size(), base->stored_length);
    const auto length =
        encoder_.EncodeDelta(raw, base->raw, {frame + kDeltaHeaderBytes, length_max});
    if (length) {
      info->encoding = Encoding::kDelta;
      info->base = base->id;
      info->stored_length = static_cast<uint32_t>(*length);
      return;
    }
  }
  uint8_t* const stored = frame + kFrameHeaderBytes;
  const auto length = encoder_.EncodeWhole(raw, {stored, WholeLengthMax(raw.size())});
  if (length) {
    info->encoding = Encoding::kZstd;
    info->stored_length = static_cast<uint32_t>(*length);
    return;
  }
  std::memcpy(stored, raw.data(), raw.size());
  info->encoding = Encoding::kRaw;
  info->stored_length = info->raw_length;
}

Status FrameWriter::Verify(const FrameInfo& info, ByteSpan stored, const DeltaBase* base,
                           ByteSpan raw) {
  ByteSpan decoded = stored;
  if (info.encoding != Encoding::kRaw) {
    const MutableByteSpan into = decoded_.span().first(raw.size());
    const bool is_delta = info.encoding == Encoding::kDelta;
    const Status status = decoder_.Decode(stored, is_delta ? base->raw : ByteSpan(), into);
    if (!status.ok()) return status.WithContext("new frame " + info.id.Hex());
    decoded = into;
  }
  if (std::memcmp(decoded.data(), raw.data(), raw.size()) != 0) {
    return Corruption("new frame " + info.id.Hex() + ": decodes to other bytes");
  }
  return {};
}

}  // namespace varve
