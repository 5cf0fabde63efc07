#include "store/frame_reader.h"

#include <algorithm>
#include <tuple>

#include "base/fingerprint.h"
#include "base/limits.h"
#include "store/pack_reader.h"
#include "store/pack_writer.h"

namespace varve {
namespace {

// Reading over a gap is cheaper than a second request up to about this; a run is bounded so that
// one damaged sector spoils little and scratch memory stays small.
constexpr uint64_t kGapMax = 32 * kKiB;
constexpr uint64_t kRunMax = 2 * kMiB;

std::string KindName(ContentKind kind) {
  return kind == ContentKind::kChunk ? "chunk" : kind == ContentKind::kLeaf ? "leaf" : "node";
}

void Grow(AlignedBuffer& buffer, size_t size) {
  if (buffer.size() < size) buffer = AlignedBuffer(RoundUp(size, kHugePage));
}

}  // namespace

// Fills in the places of wanted_[begin...].
Status FrameReader::LookUp(size_t begin) {
  std::vector<ContentId> ids;
  std::vector<size_t> unplaced;
  for (size_t i = begin; i < wanted_.size(); ++i) {
    if (wanted_[i].is_placed) continue;
    ids.push_back(wanted_[i].id);
    unplaced.push_back(i);
  }
  std::vector<std::optional<Place>> places;
  VARVE_RETURN_IF_ERROR(index_.FindMany(ids, &places));
  for (size_t k = 0; k < unplaced.size(); ++k) {
    Wanted& wanted = wanted_[unplaced[k]];
    const std::optional<Place>& place = places[k];
    const std::string name = KindName(wanted.kind) + " " + wanted.id.Hex();
    if (!place) {
      wanted.status = Corruption(name + ": is in no pack");
      view_aged_ = true;
      continue;
    }
    wanted.place = *place;
    if (place->frame.kind != wanted.kind) {
      wanted.status = Corruption(name + ": pack " + place->pack.Hex() + " holds it as a " +
                                 KindName(place->frame.kind));
    }
  }
  return {};
}

// Adds the bases of deltas that were not asked for themselves, with room to decode them.
Status FrameReader::AddBases() {
  const size_t asked = wanted_.size();
  for (size_t i = 0; i < asked; ++i) {
    const Wanted& wanted = wanted_[i];
    if (!wanted.status.ok() || wanted.place.frame.encoding != Encoding::kDelta) continue;
    const ContentId base = wanted.place.frame.base;
    const ContentKind kind = wanted.kind;
    if (wanted_by_id_.try_emplace(base, wanted_.size()).second) {
      wanted_.push_back({.id = base, .kind = kind});
    }
  }
  if (wanted_.size() == asked) return {};
  VARVE_RETURN_IF_ERROR(LookUp(asked));
  size_t scratch_bytes = 0;
  for (size_t i = asked; i < wanted_.size(); ++i) {
    scratch_bytes += RoundUp(wanted_[i].place.frame.raw_length, 64);
  }
  Grow(scratch_, scratch_bytes);
  size_t used = 0;
  for (size_t i = asked; i < wanted_.size(); ++i) {
    const uint32_t length = wanted_[i].place.frame.raw_length;
    wanted_[i].raw = scratch_.span().subspan(used, length);
    used += RoundUp(length, 64);
  }
  return {};
}

std::vector<FrameReader::Run> FrameReader::PlanRuns() const {
  std::vector<size_t> order;
  for (size_t i = 0; i < wanted_.size(); ++i) {
    if (wanted_[i].status.ok()) order.push_back(i);
  }
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::tie(wanted_[a].place.pack, wanted_[a].place.offset) <
           std::tie(wanted_[b].place.pack, wanted_[b].place.offset);
  });
  std::vector<Run> runs;
  for (const size_t i : order) {
    const Place& place = wanted_[i].place;
    const uint64_t end = place.offset + place.frame.FrameBytes();
    if (!runs.empty()) {
      Run& run = runs.back();
      const uint64_t run_end = run.offset + run.length;
      if (run.pack == place.pack && place.offset >= run_end && place.offset - run_end <= kGapMax &&
          end - run.offset <= kRunMax) {
        run.length = end - run.offset;
        run.frames.push_back(i);
        continue;
      }
    }
    runs.push_back({place.pack, place.offset, end - place.offset, {i}});
  }
  return runs;
}

void FrameReader::ReadRuns(std::vector<Run> runs) {
  // Each run lies in whole blocks of its own, as far into the first one as in the pack.
  uint64_t total = 0;
  for (const Run& run : runs)
    total += RoundUp(run.length, kDirectAlignment) + kDirectAlignment;
  Grow(stored_, total);
  std::vector<ReadRequest> reads;
  uint64_t used = 0;
  for (const Run& run : runs) {
    const uint64_t before = run.offset % kDirectAlignment;
    const MutableByteSpan into = stored_.span().subspan(used + before, run.length);
    reads.push_back({PackPath(run.pack), run.offset, into, pages_ == PackPages::kPassed});
    for (const size_t i : run.frames) {
      const Place& place = wanted_[i].place;
      wanted_[i].frame = into.subspan(place.offset - run.offset, place.frame.FrameBytes());
    }
    used += RoundUp(before + run.length, kDirectAlignment);
    bytes_read_ += run.length;
  }
  if (storage_.ReadMany(reads).ok()) return;
  // Something failed: read frame by frame, so that only the frames that cannot be read are lost.
  for (size_t r = 0; r < runs.size(); ++r) {
    for (const size_t i : runs[r].frames) {
      Wanted& wanted = wanted_[i];
      const MutableByteSpan into = reads[r].into.subspan(wanted.place.offset - runs[r].offset,
                                                         wanted.place.frame.FrameBytes());
      wanted.status = storage_.Read(PackPath(wanted.place.pack), wanted.place.offset, into)
                          .WithContext(KindName(wanted.kind) + " " + wanted.id.Hex());
      view_aged_ = view_aged_ || wanted.status.code() == Code::kNotFound;
    }
  }
}

const FrameReader::Wanted* FrameReader::FindBase(Wanted& wanted) const {
  const FrameInfo& info = wanted.place.frame;
  const Wanted& base = wanted_[wanted_by_id_.at(info.base)];
  if (!base.status.ok()) {
    wanted.status =
        base.status.WithContext("base of " + KindName(wanted.kind) + " " + wanted.id.Hex());
    wanted.base_failed = true;
    return nullptr;
  }
  if (base.place.frame.encoding == Encoding::kDelta) {
    wanted.status = Corruption("pack " + wanted.place.pack.Hex() + ": frame at " +
                               std::to_string(wanted.place.offset) + " is a delta on the delta " +
                               info.base.Hex());
    wanted.base_failed = true;
    return nullptr;
  }
  return &base;
}

void FrameReader::Check(Wanted& wanted, ReadDepth depth) {
  const FrameInfo& info = wanted.place.frame;
  const std::string name = "pack " + wanted.place.pack.Hex();
  wanted.status = CheckStoredFrame(name, wanted.place.offset, wanted.frame, info);
  wanted.is_whole = wanted.status.ok();
  if (!wanted.status.ok() && depth == ReadDepth::kDecoded) {
    uint64_t checksum = 0;
    wanted.header_damage =
        DecodeFrameHeader(name, wanted.place.offset, wanted.frame, &checksum).status();
    if (!wanted.header_damage.ok()) wanted.status = {};
  }
  if (!wanted.status.ok() || info.encoding != Encoding::kDelta) return;
  const Wanted* base = FindBase(wanted);
  if (base != nullptr && wanted.header_damage.ok()) wanted.header_damage = base->header_damage;
}

// From here on the frame is as it was before it was sealed, its header too.
void FrameReader::BecomeOpened(ByteSpan encoded, Wanted* wanted) {
  FrameInfo& info = wanted->place.frame;
  info.stored_length = static_cast<uint32_t>(encoded.size());
  info.sealed = false;
  EncodeFrameHeader(info, ComputeChecksum(encoded), wanted->frame.data());
  wanted->frame = wanted->frame.first(info.FrameBytes());
}

// After Check.
void FrameReader::Decode(Wanted& wanted) {
  const FrameInfo& info = wanted.place.frame;
  const std::string name = "pack " + wanted.place.pack.Hex();
  if (info.raw_length > wanted.raw.size()) {
    wanted.status =
        Corruption(name + ": frame at " + std::to_string(wanted.place.offset) + " decodes to " +
                   std::to_string(info.raw_length) + " bytes, at most " +
                   std::to_string(wanted.raw.size()) + " expected");
    return;
  }
  const Result<ByteSpan> opened = opener_.Open(wanted.place.pack, {wanted.place.offset, info},
                                               wanted.frame.subspan(info.HeaderBytes()));
  if (!opened.ok()) {
    wanted.status = wanted.header_damage.ok() ? opened.status() : wanted.header_damage;
    return;
  }
  const ByteSpan stored = *opened;
  if (info.sealed) BecomeOpened(stored, &wanted);
  const MutableByteSpan raw = wanted.raw.first(info.raw_length);
  if (info.encoding == Encoding::kRaw) {
    std::copy(stored.begin(), stored.end(), raw.begin());
    return;
  }
  ByteSpan base_bytes;
  if (info.encoding == Encoding::kDelta) {
    const Wanted* base = FindBase(wanted);
    if (base == nullptr) return;
    base_bytes = base->raw.first(base->place.frame.raw_length);
  }
  wanted.status = decoder_.Decode(stored, base_bytes, raw);
  if (!wanted.status.ok() && !wanted.header_damage.ok()) {
    wanted.status = wanted.header_damage;
  } else if (!wanted.status.ok()) {
    wanted.status =
        wanted.status.WithContext(name + ": frame at " + std::to_string(wanted.place.offset));
  }
}

Status FrameReader::ReadMany(std::span<FrameRequest> requests, ReadDepth depth) {
  return LookInFreshViews(index_, [&]() -> Result<bool> {
    view_aged_ = false;
    VARVE_RETURN_IF_ERROR(ReadOnce(requests, depth));
    return view_aged_;
  });
}

Status FrameReader::ReadOnce(std::span<FrameRequest> requests, ReadDepth depth) {
  wanted_.clear();
  wanted_by_id_.clear();
  wanted_of_request_.clear();
  for (const FrameRequest& request : requests) {
    if (request.at) {
      // Not a base for others: those take the one that the index knows.
      wanted_of_request_.push_back(wanted_.size());
      wanted_.push_back({.id = request.id,
                         .kind = request.kind,
                         .raw = request.into,
                         .place = *request.at,
                         .is_placed = true});
      continue;
    }
    const auto [found, is_new] = wanted_by_id_.try_emplace(request.id, wanted_.size());
    wanted_of_request_.push_back(found->second);
    if (is_new) {
      wanted_.push_back({.id = request.id, .kind = request.kind, .raw = request.into});
    }
  }
  VARVE_RETURN_IF_ERROR(LookUp(0));
  VARVE_RETURN_IF_ERROR(AddBases());
  ReadRuns(PlanRuns());
  // What stands alone first: deltas need it.
  for (const bool deltas : {false, true}) {
    for (Wanted& wanted : wanted_) {
      const bool is_delta = wanted.place.frame.encoding == Encoding::kDelta;
      if (!wanted.status.ok() || is_delta != deltas) continue;
      Check(wanted, depth);
      if (wanted.status.ok() && depth == ReadDepth::kDecoded) Decode(wanted);
    }
  }
  for (size_t i = 0; i < requests.size(); ++i) {
    FrameRequest& request = requests[i];
    const Wanted& wanted = wanted_[wanted_of_request_[i]];
    request.status = wanted.status;
    request.checked = wanted.header_damage.ok();
    request.base_failed = wanted.base_failed;
    const bool opened = !wanted.place.frame.sealed;
    request.stored = wanted.is_whole && opened ? wanted.frame : ByteSpan();
    if (!wanted.status.ok()) continue;
    request.frame = wanted.place.frame;
    request.length = wanted.place.frame.raw_length;
    if (depth == ReadDepth::kStored || request.into.data() == wanted.raw.data()) continue;
    if (request.into.size() < request.length) {  // the same id, asked for with different sizes
      request.status = Corruption("chunk " + request.id.Hex() + ": is " +
                                  std::to_string(request.length) + " bytes");
      continue;
    }
    std::copy_n(wanted.raw.begin(), request.length, request.into.begin());
  }
  return {};
}

}  // namespace varve
