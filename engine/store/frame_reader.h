// The read path's lower half: content ids in, decoded bytes out. Looks places up, reads
// neighbouring frames in one request, decodes bases once, then what stands on them.
//
// What it verifies: the frame's header and id, the checksum of its stored bytes (unless `checked`
// says otherwise), their seal if the repository is encrypted, the exact length.
// The caller verifies the decoded bytes (a node by its id, a chunk by the fingerprint of its leaf)
// before anybody sees them (R5).
// Thread-compatible: one per thread; scratch memory is reused.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "codec/frame_codec.h"
#include "io/aligned_buffer.h"
#include "io/storage.h"
#include "store/frame_opener.h"
#include "store/index.h"

namespace varve {

// How far ReadMany goes: kStored reads and checks the stored bytes of the frames and of their bases
// and decodes nothing (`into` is not touched and may be empty).
enum class ReadDepth { kStored, kDecoded };

// Whether the pages of packs may stay in the kernel's cache: of use where the same frames are read
// again soon, harmful where a whole volume passes through.
enum class PackPages { kCached, kPassed };

struct FrameRequest {
  ContentId id;
  ContentKind kind = ContentKind::kChunk;
  // Where the decoded bytes go; at least as large as they are.
  MutableByteSpan into;
  // Read this very frame rather than the one that the index knows. Its base comes from the index.
  std::optional<Place> at;
  // Out: what was found, how many bytes were decoded, and why not if they were not.
  FrameInfo frame;
  size_t length = 0;
  Status status;
  // False: a frame header is damaged, and the bytes were decoded by what the pack's footer says, as
  // FORMAT.md allows. No checksum vouches for the stored bytes: only the check of the decoded ones.
  bool checked = true;
  bool base_failed = false;  // the frame is a delta, and what is wrong is its base
  // Header and stored bytes, if they are whole (even if the base is not). Valid until the next
  // call. Of a sealed frame that was decoded: as they were before, which `frame` says too; none if
  // it was not.
  ByteSpan stored;
};

class FrameReader {
 public:
  // Both borrowed, outliving the reader.
  FrameReader(Storage& storage, Index& index, PackPages pages = PackPages::kCached)
      : storage_(storage), index_(index), pages_(pages), opener_(storage) {}

  // Reads all requests. Each gets its own status; the returned one is a failure of the index
  // (nothing was read then). An id that is not in the index is NotFound in its request.
  Status ReadMany(std::span<FrameRequest> requests, ReadDepth depth = ReadDepth::kDecoded);

  // Bytes of packs read so far, for statistics.
  uint64_t bytes_read() const { return bytes_read_; }

 private:
  // One frame of the current call: asked for, or the base of one that is.
  struct Wanted {
    ContentId id;
    ContentKind kind = ContentKind::kChunk;
    MutableByteSpan raw;  // decoded bytes; in scratch_ for bases that nobody asked for
    Place place;
    MutableByteSpan frame;  // header and stored bytes, in stored_
    Status status;
    Status header_damage;    // the frame is read without its header
    bool is_placed = false;  // `place` was given, not to be looked up
    bool base_failed = false;
    bool is_whole = false;  // its header and its stored bytes are
  };
  // Neighbouring frames of one pack, read in one request.
  struct Run {
    PackId pack;
    uint64_t offset = 0;
    uint64_t length = 0;
    std::vector<size_t> frames;  // of wanted_
  };

  Status ReadOnce(std::span<FrameRequest> requests, ReadDepth depth);
  Status LookUp(size_t begin);
  Status AddBases();
  std::vector<Run> PlanRuns() const;
  void ReadRuns(std::vector<Run> runs);
  // The base of a delta, checked to be one; the delta's status says why not.
  const Wanted* FindBase(Wanted& wanted) const;
  void Check(Wanted& wanted, ReadDepth depth);
  void Decode(Wanted& wanted);
  static void BecomeOpened(ByteSpan encoded, Wanted* wanted);

  Storage& storage_;
  Index& index_;
  const PackPages pages_;
  FrameOpener opener_;
  FrameDecoder decoder_;
  std::vector<Wanted> wanted_;
  std::vector<size_t> wanted_of_request_;
  std::unordered_map<ContentId, size_t> wanted_by_id_;
  AlignedBuffer stored_;   // what was read; grows, never shrinks
  AlignedBuffer scratch_;  // decoded bases that nobody asked for; grows, never shrinks
  uint64_t bytes_read_ = 0;
  // A frame of the current call is in no pack that the index knows, or that pack does not exist: a
  // GC may have moved it.
  bool view_aged_ = false;
};

}  // namespace varve
