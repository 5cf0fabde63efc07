// Packs (FORMAT.md §6): header, frames, footer, trailer; bytes <-> structs and nothing else.
// Pure functions and plain values. Decoders range-check everything (R9) and say what is wrong;
// `name` is how messages call the pack.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/content_hasher.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/status.h"

namespace varve {

enum class PackContent : uint8_t { kChunks = 1, kNodes = 2 };
enum class Encoding : uint8_t { kRaw = 0, kZstd = 1, kDelta = 2 };

inline constexpr size_t kPackHeaderBytes = 96;
inline constexpr size_t kPackTrailerBytes = 64;
inline constexpr size_t kFrameHeaderBytes = 64;
inline constexpr size_t kDeltaHeaderBytes = 96;

// What one frame is, as its header and its footer entry both say.
struct FrameInfo {
  ContentKind kind = ContentKind::kChunk;
  Encoding encoding = Encoding::kRaw;
  uint32_t raw_length = 0;
  uint32_t stored_length = 0;
  ContentId id;
  ContentId base;  // zero unless the encoding is kDelta
  // Sealed stored bytes end with a tag of kSealTagBytes, which the stored length counts.
  bool sealed = false;

  size_t HeaderBytes() const {
    return encoding == Encoding::kDelta ? kDeltaHeaderBytes : kFrameHeaderBytes;
  }
  size_t FrameBytes() const { return HeaderBytes() + stored_length; }
  // What the encoding made of the raw bytes.
  size_t EncodedLength() const { return stored_length - (sealed ? kSealTagBytes : 0); }
  size_t FooterEntryBytes() const { return encoding == Encoding::kDelta ? 76 : 44; }
  friend bool operator==(const FrameInfo&, const FrameInfo&) = default;
};

// Salts the key of a sealed pack. Zero: the pack is not sealed.
using PackSalt = std::array<uint8_t, kSealSaltBytes>;

struct PackHeader {
  PackContent content = PackContent::kChunks;
  RepositoryId repository;
  PackId id;
  PackSalt salt{};

  bool sealed() const { return salt != PackSalt{}; }
};

struct PackTrailer {
  PackContent content = PackContent::kChunks;
  bool sealed = false;
  uint32_t frame_count = 0;
  uint64_t footer_offset = 0;
  uint64_t footer_length = 0;
  PackId id;
  uint64_t footer_checksum = 0;
};

// What a sealed frame's tag binds to its place (FORMAT.md §12).
Bytes FrameAssociatedData(const FrameInfo& info, const RepositoryId& repository,
                          const PackId& pack);

// Writes the header of a frame (info.HeaderBytes() bytes) to `to`.
void EncodeFrameHeader(const FrameInfo& info, uint64_t stored_checksum, uint8_t* to);
// Decodes the header at the start of `bytes`, which must be whole.
Result<FrameInfo> DecodeFrameHeader(const std::string& name, uint64_t offset, ByteSpan bytes,
                                    uint64_t* stored_checksum);

void EncodePackHeader(const PackHeader& header, uint8_t* to);
Result<PackHeader> DecodePackHeader(const std::string& name, ByteSpan bytes);

// Footer and trailer for frames that begin at kPackHeaderBytes and follow each other.
void AppendFooterAndTrailer(const PackHeader& header, const std::vector<FrameInfo>& frames,
                            uint64_t footer_offset, Bytes* to);
// `bytes` are the last kPackTrailerBytes of a file of `file_size`.
Result<PackTrailer> DecodePackTrailer(const std::string& name, ByteSpan bytes, uint64_t file_size);
// `bytes` are the footer that the trailer speaks of. `salt`, if given, gets the footer's copy of
// the pack's salt.
Result<std::vector<FrameInfo>> DecodeFooter(const std::string& name, const PackTrailer& trailer,
                                            ByteSpan bytes, PackSalt* salt = nullptr);

// Where a frame of a pack lies.
struct PlacedFrame {
  uint64_t offset = 0;  // of its header
  FrameInfo info;
};
std::vector<PlacedFrame> PlaceFrames(const std::vector<FrameInfo>& frames);

}  // namespace varve
