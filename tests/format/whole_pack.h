// Packs in memory: one made of frames, and one read with every check of FORMAT.md §6 that needs no
// decoding of the stored bytes. Pure functions.
#pragma once

#include <vector>

#include "base/fingerprint.h"
#include "format/pack_format.h"

namespace varve {

struct RawFrame {
  FrameInfo info;
  Bytes stored;
};

inline Bytes BuildPack(const PackHeader& header, const std::vector<RawFrame>& frames) {
  Bytes pack(kPackHeaderBytes);
  EncodePackHeader(header, pack.data());
  std::vector<FrameInfo> infos;
  for (const RawFrame& frame : frames) {
    const size_t at = pack.size();
    pack.resize(at + frame.info.HeaderBytes());
    EncodeFrameHeader(frame.info, ComputeChecksum(frame.stored), &pack[at]);
    AppendBytes(pack, frame.stored);
    infos.push_back(frame.info);
  }
  const uint64_t footer_offset = pack.size();
  AppendFooterAndTrailer(header, infos, footer_offset, &pack);
  return pack;
}

// Header, trailer, footer, frame headers and stored bytes all say the same and are whole.
inline Result<std::vector<FrameInfo>> ReadWholePack(const std::string& name, ByteSpan pack,
                                                    const RepositoryId& repository,
                                                    const PackId& id) {
  VARVE_ASSIGN_OR_RETURN(const PackHeader header, DecodePackHeader(name, pack));
  if (header.repository != repository) return Corruption(name + ": another repository");
  const ByteSpan end = pack.last(std::min(pack.size(), kPackTrailerBytes));
  VARVE_ASSIGN_OR_RETURN(const PackTrailer trailer, DecodePackTrailer(name, end, pack.size()));
  if (header.id != id || trailer.id != id) return Corruption(name + ": another pack");
  if (header.content != trailer.content) return Corruption(name + ": header and trailer differ");
  VARVE_ASSIGN_OR_RETURN(
      const std::vector<FrameInfo> frames,
      DecodeFooter(name, trailer, pack.subspan(trailer.footer_offset, trailer.footer_length)));
  for (const PlacedFrame& placed : PlaceFrames(frames)) {
    uint64_t checksum = 0;
    const ByteSpan frame = pack.subspan(placed.offset, placed.info.FrameBytes());
    VARVE_ASSIGN_OR_RETURN(const FrameInfo info,
                           DecodeFrameHeader(name, placed.offset, frame, &checksum));
    if (info != placed.info) return Corruption(name + ": frame header and footer differ");
    if (checksum != ComputeChecksum(frame.subspan(info.HeaderBytes()))) {
      return Corruption(name + ": stored bytes do not match their checksum");
    }
  }
  return frames;
}

}  // namespace varve
