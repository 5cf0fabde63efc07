#include "store/pack_writer.h"

#include "base/fingerprint.h"
#include "base/limits.h"

namespace varve {

PackWriter::PackWriter(PackContent content, const RepositoryId& repository, size_t capacity_bytes)
    : header_{content, repository, PackId{}}, buffer_(capacity_bytes) {}

void PackWriter::Begin(const PackId& id) {
  header_.id = id;
  frames_.clear();
  footer_bytes_ = 0;
  EncodePackHeader(header_, buffer_.data());
  used_ = kPackHeaderBytes;
}

bool PackWriter::Fits(size_t bytes, size_t frame_count) const {
  const size_t footer_max = footer_bytes_ + frame_count * 76;
  return used_ + bytes + footer_max + kPackTrailerBytes <= buffer_.size();
}

void PackWriter::Append(ByteSpan frames_bytes, std::span<const FrameInfo> frames) {
  VARVE_CHECK(used_ >= kPackHeaderBytes && Fits(frames_bytes.size(), frames.size()));
  std::memcpy(buffer_.data() + used_, frames_bytes.data(), frames_bytes.size());
  used_ += frames_bytes.size();
  for (const FrameInfo& frame : frames) footer_bytes_ += frame.FooterEntryBytes();
  frames_.insert(frames_.end(), frames.begin(), frames.end());
}

Result<ByteSpan> PackWriter::Finish() {
  VARVE_CHECK(!frames_.empty());
  const std::string name = "pack " + header_.id.Hex();
  for (const PlacedFrame& placed : PlaceFrames(frames_)) {
    const ByteSpan frame =
        buffer_.span().subspan(placed.offset, placed.info.FrameBytes());
    VARVE_RETURN_IF_ERROR(CheckStoredFrame(name, placed.offset, frame, placed.info));
  }
  Bytes end;
  AppendFooterAndTrailer(header_, frames_, used_, &end);
  std::memcpy(buffer_.data() + used_, end.data(), end.size());
  used_ += end.size();
  return ByteSpan(buffer_.data(), used_);
}

Status CheckStoredFrame(const std::string& name, uint64_t offset, ByteSpan frame,
                        const FrameInfo& info) {
  uint64_t checksum = 0;
  VARVE_ASSIGN_OR_RETURN(const FrameInfo found,
                         DecodeFrameHeader(name, offset, frame, &checksum));
  if (found != info) {
    return Corruption(name + ": frame at " + std::to_string(offset) + " holds " +
                      found.id.Short() + ", expected " + info.id.Short());
  }
  if (frame.size() != info.FrameBytes() ||
      ComputeChecksum(frame.subspan(info.HeaderBytes())) != checksum) {
    return Corruption(name + ": frame at " + std::to_string(offset) + " (" + info.id.Short() +
                      "): checksum of its stored bytes does not match");
  }
  return {};
}

}  // namespace varve
