#include "format/pack_format.h"

#include "base/fingerprint.h"
#include "base/limits.h"
#include "format/small_object.h"

namespace varve {
namespace {

constexpr char kHeaderMagic[] = "VARVEPCK";
constexpr char kTrailerMagic[] = "VARVEEND";
constexpr char kFrameMagic[] = "VFRM";
constexpr size_t kFrameStartBytes = 48;
// Of a frame's encoding byte.
constexpr uint8_t kSealedBit = 0x80;

Status Damaged(const std::string& name, const std::string& what) {
  return Corruption(name + ": " + what);
}

Status DecodeVersionAndSeal(const std::string& name, const uint8_t* from) {
  const auto version = LoadLe<uint16_t>(from + 8);
  if (version > kFormatVersion) {
    return Unsupported(name + ": format version " + std::to_string(version) +
                       " is newer than this program's " + std::to_string(kFormatVersion));
  }
  if (version == 0) return Damaged(name, "format version 0");
  if (from[11] > kSealAesGcm) {
    return Unsupported(name + ": seal " + std::to_string(from[11]) +
                       " is not known to this program");
  }
  if (from[10] != 1 && from[10] != 2) {
    return Damaged(name, "content kind " + std::to_string(from[10]));
  }
  return {};
}

// What must hold for a frame wherever it is described. `where` names the place.
Status CheckFrame(const std::string& name, const std::string& where, uint8_t kind, uint8_t encoding,
                  const FrameInfo& info) {
  if (kind < 1 || kind > 3) return Damaged(name, where + ": kind " + std::to_string(kind));
  if ((encoding & ~kSealedBit) > 2) {
    return Damaged(name, where + ": encoding " + std::to_string(encoding));
  }
  if (info.raw_length == 0 || info.raw_length > kFrameRawMax) {
    return Damaged(name, where + ": raw length " + std::to_string(info.raw_length));
  }
  const bool whole_tag = !info.sealed || info.stored_length > kSealTagBytes;
  const bool stored_fits =
      whole_tag && (info.encoding == Encoding::kRaw
                        ? info.EncodedLength() == info.raw_length
                        : info.EncodedLength() < info.raw_length && info.EncodedLength() > 0);
  if (!stored_fits) {
    return Damaged(name, where + ": stored length " + std::to_string(info.stored_length) +
                             " for raw length " + std::to_string(info.raw_length));
  }
  if (info.id.IsZero()) return Damaged(name, where + ": id is zero");
  if (info.encoding == Encoding::kDelta && (info.base.IsZero() || info.base == info.id)) {
    return Damaged(name, where + ": a delta without a base of its own");
  }
  return {};
}

uint8_t EncodingByte(const FrameInfo& info) {
  return static_cast<uint8_t>(static_cast<uint8_t>(info.encoding) | (info.sealed ? kSealedBit : 0));
}

void SetEncoding(uint8_t byte, FrameInfo* info) {
  info->encoding = static_cast<Encoding>(byte & ~kSealedBit);
  info->sealed = (byte & kSealedBit) != 0;
}

// The bytes of a frame's header before its checksums.
void EncodeFrameStart(const FrameInfo& info, uint8_t* to) {
  std::memcpy(to, kFrameMagic, 4);
  to[4] = static_cast<uint8_t>(info.kind);
  to[5] = EncodingByte(info);
  StoreLe<uint16_t>(to + 6, static_cast<uint16_t>(info.HeaderBytes()));
  StoreLe<uint32_t>(to + 8, info.raw_length);
  StoreLe<uint32_t>(to + 12, info.stored_length);
  std::memcpy(to + 16, info.id.bytes.data(), 32);
}

}  // namespace

Bytes FrameAssociatedData(const FrameInfo& info, const RepositoryId& repository,
                          const PackId& pack) {
  Bytes data(kFrameStartBytes);
  data.reserve(128);
  EncodeFrameStart(info, data.data());
  AppendBytes(data, info.base.span());
  AppendBytes(data, repository.span());
  AppendBytes(data, pack.span());
  AppendLe<uint16_t>(data, kFormatVersion);
  return data;
}

void EncodeFrameHeader(const FrameInfo& info, uint64_t stored_checksum, uint8_t* to) {
  const size_t length = info.HeaderBytes();
  EncodeFrameStart(info, to);
  StoreLe<uint64_t>(to + 48, stored_checksum);
  if (info.encoding == Encoding::kDelta) std::memcpy(to + 56, info.base.bytes.data(), 32);
  StoreLe<uint64_t>(to + length - 8, ComputeChecksum({to, length - 8}));
}

Result<FrameInfo> DecodeFrameHeader(const std::string& name, uint64_t offset, ByteSpan bytes,
                                    uint64_t* stored_checksum) {
  const auto where = [&] { return "frame at " + std::to_string(offset); };
  if (bytes.size() < kFrameHeaderBytes) return Damaged(name, where() + ": header passes the end");
  const uint8_t* from = bytes.data();
  if (std::memcmp(from, kFrameMagic, 4) != 0) return Damaged(name, where() + ": no VFRM magic");
  const bool is_delta = (from[5] & ~kSealedBit) == static_cast<int>(Encoding::kDelta);
  const size_t length = is_delta ? kDeltaHeaderBytes : kFrameHeaderBytes;
  if (LoadLe<uint16_t>(from + 6) != length) return Damaged(name, where() + ": header length");
  if (bytes.size() < length) return Damaged(name, where() + ": header passes the end");
  if (LoadLe<uint64_t>(from + length - 8) != ComputeChecksum(bytes.first(length - 8))) {
    return Damaged(name, where() + ": header checksum does not match");
  }
  FrameInfo info;
  info.kind = static_cast<ContentKind>(from[4]);
  SetEncoding(from[5], &info);
  info.raw_length = LoadLe<uint32_t>(from + 8);
  info.stored_length = LoadLe<uint32_t>(from + 12);
  info.id = ContentId::FromBytes(from + 16);
  if (info.encoding == Encoding::kDelta) info.base = ContentId::FromBytes(from + 56);
  *stored_checksum = LoadLe<uint64_t>(from + 48);
  VARVE_RETURN_IF_ERROR(CheckFrame(name, where(), from[4], from[5], info));
  return info;
}

void EncodePackHeader(const PackHeader& header, uint8_t* to) {
  std::memset(to, 0, kPackHeaderBytes);
  std::memcpy(to, kHeaderMagic, 8);
  StoreLe<uint16_t>(to + 8, kFormatVersion);
  to[10] = static_cast<uint8_t>(header.content);
  to[11] = header.sealed() ? kSealAesGcm : 0;
  std::memcpy(to + 48, header.salt.data(), header.salt.size());
  std::memcpy(to + 16, header.repository.bytes.data(), 16);
  std::memcpy(to + 32, header.id.bytes.data(), 16);
  StoreLe<uint64_t>(to + 88, ComputeChecksum({to, 88}));
}

Result<PackHeader> DecodePackHeader(const std::string& name, ByteSpan bytes) {
  if (bytes.size() < kPackHeaderBytes) return Damaged(name, "shorter than a pack header");
  const uint8_t* from = bytes.data();
  if (std::memcmp(from, kHeaderMagic, 8) != 0) return Damaged(name, "has no VARVEPCK magic");
  if (LoadLe<uint64_t>(from + 88) != ComputeChecksum(bytes.first(88))) {
    return Damaged(name, "header checksum does not match");
  }
  VARVE_RETURN_IF_ERROR(DecodeVersionAndSeal(name, from));
  if (!IsAllZero(bytes.subspan(12, 4)) || !IsAllZero(bytes.subspan(80, 8))) {
    return Damaged(name, "reserved bytes of the header are set");
  }
  PackHeader header{static_cast<PackContent>(from[10]), RepositoryId::FromBytes(from + 16),
                    PackId::FromBytes(from + 32)};
  std::memcpy(header.salt.data(), from + 48, header.salt.size());
  if (header.sealed() != (from[11] == kSealAesGcm)) {
    return Damaged(name, header.sealed() ? "a salt, but not sealed" : "sealed without a salt");
  }
  return header;
}

void AppendFooterAndTrailer(const PackHeader& header, const std::vector<FrameInfo>& frames,
                            uint64_t footer_offset, Bytes* to) {
  const size_t begin = to->size();
  for (const FrameInfo& frame : frames) {
    to->push_back(static_cast<uint8_t>(frame.kind));
    to->push_back(EncodingByte(frame));
    AppendLe<uint16_t>(*to, 0);
    AppendLe<uint32_t>(*to, frame.raw_length);
    AppendLe<uint32_t>(*to, frame.stored_length);
    AppendBytes(*to, frame.id.span());
    if (frame.encoding == Encoding::kDelta) AppendBytes(*to, frame.base.span());
  }
  if (header.sealed()) AppendBytes(*to, header.salt);
  const ByteSpan footer = ByteSpan(*to).subspan(begin);
  uint8_t trailer[kPackTrailerBytes] = {};
  std::memcpy(trailer, kTrailerMagic, 8);
  StoreLe<uint16_t>(trailer + 8, kFormatVersion);
  trailer[10] = static_cast<uint8_t>(header.content);
  trailer[11] = header.sealed() ? kSealAesGcm : 0;
  StoreLe<uint32_t>(trailer + 12, static_cast<uint32_t>(frames.size()));
  StoreLe<uint64_t>(trailer + 16, footer_offset);
  StoreLe<uint64_t>(trailer + 24, footer.size());
  std::memcpy(trailer + 32, header.id.bytes.data(), 16);
  StoreLe<uint64_t>(trailer + 48, ComputeChecksum(footer));
  StoreLe<uint64_t>(trailer + 56, ComputeChecksum({trailer, 56}));
  AppendBytes(*to, trailer);
}

Result<PackTrailer> DecodePackTrailer(const std::string& name, ByteSpan bytes, uint64_t file_size) {
  if (bytes.size() != kPackTrailerBytes || file_size < kPackHeaderBytes + kPackTrailerBytes) {
    return Damaged(name, "is " + std::to_string(file_size) + " bytes, too short for a pack");
  }
  if (file_size > kPackSizeMax) {
    return Damaged(name, "is " + std::to_string(file_size) + " bytes, too long for a pack");
  }
  const uint8_t* from = bytes.data();
  if (std::memcmp(from, kTrailerMagic, 8) != 0) return Damaged(name, "trailer has no magic");
  if (LoadLe<uint64_t>(from + 56) != ComputeChecksum(bytes.first(56))) {
    return Damaged(name, "trailer checksum does not match");
  }
  VARVE_RETURN_IF_ERROR(DecodeVersionAndSeal(name, from));
  PackTrailer trailer;
  trailer.content = static_cast<PackContent>(from[10]);
  trailer.sealed = from[11] == kSealAesGcm;
  trailer.frame_count = LoadLe<uint32_t>(from + 12);
  trailer.footer_offset = LoadLe<uint64_t>(from + 16);
  trailer.footer_length = LoadLe<uint64_t>(from + 24);
  trailer.id = PackId::FromBytes(from + 32);
  trailer.footer_checksum = LoadLe<uint64_t>(from + 48);
  const uint64_t end = file_size - kPackTrailerBytes;
  if (trailer.footer_offset < kPackHeaderBytes || trailer.footer_offset > end ||
      trailer.footer_length != end - trailer.footer_offset) {
    return Damaged(name, "footer at " + std::to_string(trailer.footer_offset) + " of " +
                             std::to_string(trailer.footer_length) + " bytes does not end at " +
                             std::to_string(end));
  }
  if (trailer.frame_count == 0 || uint64_t{trailer.frame_count} * 44 > trailer.footer_length) {
    return Damaged(name, std::to_string(trailer.frame_count) + " frames in a footer of " +
                             std::to_string(trailer.footer_length) + " bytes");
  }
  return trailer;
}

Result<std::vector<FrameInfo>> DecodeFooter(const std::string& name, const PackTrailer& trailer,
                                            ByteSpan bytes, PackSalt* salt) {
  if (ComputeChecksum(bytes) != trailer.footer_checksum) {
    return Damaged(name, "footer checksum does not match");
  }
  std::vector<FrameInfo> frames;
  frames.reserve(trailer.frame_count);
  uint64_t frames_end = kPackHeaderBytes;
  for (uint32_t i = 0; i < trailer.frame_count; ++i) {
    const std::string where = "footer entry " + std::to_string(i);
    if (bytes.size() < 44) return Damaged(name, where + " passes the end");
    const uint8_t* from = bytes.data();
    FrameInfo info;
    info.kind = static_cast<ContentKind>(from[0]);
    SetEncoding(from[1], &info);
    info.raw_length = LoadLe<uint32_t>(from + 4);
    info.stored_length = LoadLe<uint32_t>(from + 8);
    info.id = ContentId::FromBytes(from + 12);
    const size_t length = info.FooterEntryBytes();
    if (bytes.size() < length) return Damaged(name, where + " passes the end");
    if (info.encoding == Encoding::kDelta) info.base = ContentId::FromBytes(from + 44);
    if (LoadLe<uint16_t>(from + 2) != 0) return Damaged(name, where + ": reserved bytes are set");
    VARVE_RETURN_IF_ERROR(CheckFrame(name, where, from[0], from[1], info));
    if ((info.kind == ContentKind::kChunk) != (trailer.content == PackContent::kChunks)) {
      return Damaged(name, where + ": a frame of the other kind of pack");
    }
    if (info.sealed != trailer.sealed) {
      return Damaged(name, where + (info.sealed ? ": a sealed frame in a pack that is not"
                                                : ": a frame in the clear in a sealed pack"));
    }
    frames_end += info.FrameBytes();
    frames.push_back(info);
    bytes = bytes.subspan(length);
  }
  if (trailer.sealed) {
    if (bytes.size() != kSealSaltBytes) return Damaged(name, "footer without its salt");
    if (salt != nullptr) std::memcpy(salt->data(), bytes.data(), kSealSaltBytes);
    bytes = {};
  }
  if (!bytes.empty()) return Damaged(name, "bytes after the last footer entry");
  if (frames_end != trailer.footer_offset) {
    return Damaged(name, "frames end at " + std::to_string(frames_end) + ", the footer begins at " +
                             std::to_string(trailer.footer_offset));
  }
  return frames;
}

std::vector<PlacedFrame> PlaceFrames(const std::vector<FrameInfo>& frames) {
  std::vector<PlacedFrame> placed;
  placed.reserve(frames.size());
  uint64_t offset = kPackHeaderBytes;
  for (const FrameInfo& info : frames) {
    placed.push_back({offset, info});
    offset += info.FrameBytes();
  }
  return placed;
}

}  // namespace varve
