#include "gc/pack_rewriter.h"

#include "base/fingerprint.h"
#include "base/limits.h"
#include "store/pack_reader.h"

namespace varve {
namespace {

size_t CapacityOf(PackContent content) {
  return content == PackContent::kChunks ? kDataPackTarget : kNodePackTarget;
}

}  // namespace

// The frame as PackWriter takes it: not sealed.
Result<Bytes> PackRewriter::Open(const PackId& pack, const PlacedFrame& frame,
                                 MutableByteSpan stored, FrameInfo* info) {
  VARVE_ASSIGN_OR_RETURN(const ByteSpan encoded,
                         opener_.Open(pack, frame, stored.subspan(frame.info.HeaderBytes())));
  *info = frame.info;
  info->sealed = false;
  info->stored_length = static_cast<uint32_t>(encoded.size());
  Bytes bytes(info->HeaderBytes());
  EncodeFrameHeader(*info, ComputeChecksum(encoded), bytes.data());
  AppendBytes(bytes, encoded);
  return bytes;
}

Status PackRewriter::Copy(const PackId& id, PackContent content,
                          const std::vector<PlacedFrame>& frames) {
  const std::string name = "pack " + id.Hex();
  VARVE_ASSIGN_OR_RETURN(const uint64_t size, storage_.Size(PackPath(id)));
  if (size > kPackSizeMax) return Corruption(name + ": is too large for a pack");
  Bytes pack(size);
  VARVE_RETURN_IF_ERROR(storage_.Read(PackPath(id), 0, pack));
  const auto stored = [&](const PlacedFrame& frame) {
    return MutableByteSpan(pack).subspan(frame.offset, frame.info.FrameBytes());
  };
  for (const PlacedFrame& frame : frames) {
    if (frame.offset + frame.info.FrameBytes() > size) {
      return Corruption(name + ": ends before its frame at " + std::to_string(frame.offset));
    }
    VARVE_RETURN_IF_ERROR(CheckStoredFrame(name, frame.offset, stored(frame), frame.info));
  }
  std::unique_ptr<PackWriter>& writer = writers_[content == PackContent::kChunks ? 0 : 1];
  if (writer == nullptr) {
    writer =
        std::make_unique<PackWriter>(content, repository_, CapacityOf(content), storage_.sealing());
    VARVE_RETURN_IF_ERROR(writer->Begin(random_));
  }
  for (const PlacedFrame& frame : frames) {
    FrameInfo info;
    VARVE_ASSIGN_OR_RETURN(const Bytes bytes, Open(id, frame, stored(frame), &info));
    if (!writer->Fits(bytes.size(), 1)) {
      VARVE_RETURN_IF_ERROR(Publish(*writer));
      VARVE_RETURN_IF_ERROR(writer->Begin(random_));
    }
    writer->Append(bytes, {&info, 1});
  }
  return {};
}

Status PackRewriter::Publish(PackWriter& pack) {
  if (pack.empty()) return {};
  VARVE_ASSIGN_OR_RETURN(const ByteSpan bytes, pack.Finish());
  VARVE_RETURN_IF_ERROR(storage_.Publish(PackPath(pack.id()), bytes));
  VARVE_RETURN_IF_ERROR(index_.Add(pack.id(), PlaceFrames(pack.frames())));
  bytes_written_ += bytes.size();
  ++packs_written_;
  return {};
}

Status PackRewriter::Finish() {
  for (std::unique_ptr<PackWriter>& writer : writers_) {
    if (writer != nullptr) VARVE_RETURN_IF_ERROR(Publish(*writer));
    writer = nullptr;
  }
  return {};
}

}  // namespace varve
