// Every bound of the engine, related to each other by static_assert. Sizes in bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace varve {

inline constexpr uint64_t kKiB = 1024;
inline constexpr uint64_t kMiB = 1024 * kKiB;
inline constexpr uint64_t kGiB = 1024 * kMiB;
inline constexpr uint64_t kTiB = 1024 * kGiB;

// O_DIRECT: offsets, lengths and addresses are multiples of this.
inline constexpr uint64_t kDirectAlignment = 4 * kKiB;
inline constexpr uint64_t kHugePage = 2 * kMiB;

// Chunks: a power of two between these.
inline constexpr uint32_t kChunkSizeMin = 4 * kKiB;
inline constexpr uint32_t kChunkSizeDefault = 64 * kKiB;
inline constexpr uint32_t kChunkSizeMax = 256 * kKiB;

// The tree's shape (engine.md, "Tree").
inline constexpr uint32_t kLeafChunks = 64;
inline constexpr uint32_t kNodeFanout = 128;
inline constexpr uint64_t kVolumeSizeMax = uint64_t{1} << 56;

// One frame's raw bytes: a chunk or a node.
inline constexpr uint32_t kFrameRawMax = kChunkSizeMax;
// Packs are closed once they pass their target; a target plus one leaf of frames fits the maximum.
inline constexpr uint64_t kDataPackTarget = 32 * kMiB;
inline constexpr uint64_t kNodePackTarget = 4 * kMiB;
inline constexpr uint64_t kPackSizeMax = 256 * kMiB;
static_assert(kDataPackTarget + 2 * uint64_t{kLeafChunks} * kChunkSizeMax < kPackSizeMax);
static_assert(kPackSizeMax <= UINT32_MAX, "frame offsets are 32 bits");

// Small objects: configuration, snapshot records, sessions.
inline constexpr uint64_t kSmallObjectMax = 1 * kMiB;
inline constexpr size_t kCondemnedPacksMax = 32768;
inline constexpr size_t kSessionsMax = 4096;
inline constexpr size_t kPinsMax = 16384;
static_assert((kCondemnedPacksMax + kSessionsMax) * 16 < kSmallObjectMax - 4096);
static_assert(kPinsMax * 16 < kSmallObjectMax - 4096);
inline constexpr size_t kNameBytesMax = 255;
inline constexpr size_t kQuotasMax = 1024;
inline constexpr size_t kTagsMax = 64;
inline constexpr size_t kTagBytesMax = 1024;

// Sealed objects: the tag behind sealed bytes, the salt that makes a key unique.
inline constexpr size_t kSealTagBytes = 16;
inline constexpr size_t kSealSaltBytes = 32;
inline constexpr size_t kMasterKeyBytes = 32;
inline constexpr uint32_t kFrameStoredMax = kFrameRawMax + kSealTagBytes;
// Key slots, and what may be asked of this machine to open one: a hostile slot must not take all
// its memory. scrypt takes 128 * 2^log2_n * r bytes.
inline constexpr size_t kKeySlotsMax = 16;
inline constexpr size_t kPassphraseBytesMax = 4 * kKiB;
inline constexpr size_t kKeyFileBytesMin = 32;
inline constexpr size_t kKeyFileBytesMax = 64 * kKiB;
inline constexpr uint32_t kScryptLog2NMin = 10;
inline constexpr uint32_t kScryptLog2NMax = 20;
inline constexpr uint32_t kScryptRMax = 32;
inline constexpr uint32_t kScryptPMax = 16;
inline constexpr uint64_t kScryptMemoryMax = 1 * kGiB;

// Reads of volumes and packs.
inline constexpr uint64_t kReadSize = 1 * kMiB;
inline constexpr size_t kOpenFilesMax = 128;

// Map files of another change tracker, and the sample of "unchanged" chunks that is read to try it:
// one in so many, within bounds that keep it worth something and affordable.
inline constexpr uint64_t kChangeMapFileMax = 128 * kMiB;
inline constexpr uint64_t kUnchangedSampleOneIn = 1000;
inline constexpr uint64_t kUnchangedSampleMin = 16;
inline constexpr uint64_t kUnchangedSampleMax = 16384;

// The log of an overlay's block map is written anew when it has grown to this and to several times
// what the map takes.
inline constexpr uint64_t kOverlayLogBytesMin = 4 * kMiB;
inline constexpr uint64_t kOverlayLogBytesMax = 4 * kGiB;

}  // namespace varve
