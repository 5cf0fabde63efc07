#include "store/pack_writer.h"

#include "base/fingerprint.h"
#include "base/limits.h"
#include "codec/repository_sealing.h"

namespace varve {

PackWriter::PackWriter(PackContent content, const RepositoryId& repository, size_t capacity_bytes,
                       const Sealing* sealing)
    : header_{content, repository, PackId{}}, sealing_(sealing), buffer_(capacity_bytes) {}

Status PackWriter::Begin(Random& random) {
  header_.id = random.NewId<PackId>();
  if (sealing_ != nullptr) {
    random.Fill(header_.salt);
    VARVE_ASSIGN_OR_RETURN(key_, sealing_->PackKey(header_.id, header_.salt));
  }
  BeginFrames();
  return {};
}

void PackWriter::Begin(const PackId& id) {
  VARVE_CHECK(sealing_ == nullptr);
  header_.id = id;
  BeginFrames();
}

void PackWriter::BeginFrames() {
  frames_.clear();
  footer_bytes_ = sealing_ == nullptr ? 0 : kSealSaltBytes;
  EncodePackHeader(header_, buffer_.data());
  used_ = kPackHeaderBytes;
}

bool PackWriter::Fits(size_t bytes, size_t frame_count) const {
  const size_t footer_max = footer_bytes_ + frame_count * 76;
  return used_ + bytes + frame_count * SealBytes() + footer_max + kPackTrailerBytes <=
         buffer_.size();
}

void PackWriter::Append(ByteSpan frames_bytes, std::span<const FrameInfo> frames) {
  VARVE_CHECK(used_ >= kPackHeaderBytes && Fits(frames_bytes.size(), frames.size()));
  for (const FrameInfo& frame : frames) {
    VARVE_CHECK(!frame.sealed && frame.FrameBytes() <= frames_bytes.size());
    std::memcpy(buffer_.data() + used_, frames_bytes.data(), frame.FrameBytes());
    frames_bytes = frames_bytes.subspan(frame.FrameBytes());
    FrameInfo& stored = frames_.emplace_back(frame);
    stored.sealed = sealing_ != nullptr;
    stored.stored_length += static_cast<uint32_t>(SealBytes());
    used_ += stored.FrameBytes();  // room for the tag is left behind the frame
    footer_bytes_ += stored.FooterEntryBytes();
  }
  VARVE_CHECK(frames_bytes.empty());
}

// The frame as Append brought it.
Status PackWriter::CheckFrame(const PlacedFrame& placed) const {
  FrameInfo info = placed.info;
  info.sealed = false;
  info.stored_length -= static_cast<uint32_t>(SealBytes());
  return CheckStoredFrame("pack " + header_.id.Hex(), placed.offset,
                          buffer_.span().subspan(placed.offset, info.FrameBytes()), info);
}

Result<ByteSpan> PackWriter::Finish() {
  VARVE_CHECK(!frames_.empty());
  for (const PlacedFrame& placed : PlaceFrames(frames_)) {
    VARVE_RETURN_IF_ERROR(CheckFrame(placed));
    if (sealing_ == nullptr) continue;
    // Offsets are the nonces: each comes once under the pack's key, which is used for this pack
    // alone.
    SealFrame(cipher_, key_, header_.repository, header_.id, placed,
              buffer_.span().subspan(placed.offset, placed.info.FrameBytes()));
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
  VARVE_ASSIGN_OR_RETURN(const FrameInfo found, DecodeFrameHeader(name, offset, frame, &checksum));
  if (found != info) {
    return Corruption(name + ": frame at " + std::to_string(offset) + " holds " + found.id.Short() +
                      ", expected " + info.id.Short());
  }
  if (frame.size() != info.FrameBytes() ||
      ComputeChecksum(frame.subspan(info.HeaderBytes())) != checksum) {
    return Corruption(name + ": frame at " + std::to_string(offset) + " (" + info.id.Short() +
                      "): checksum of its stored bytes does not match");
  }
  return {};
}

}  // namespace varve
