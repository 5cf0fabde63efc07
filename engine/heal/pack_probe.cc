#include "heal/pack_probe.h"

#include <algorithm>
#include <set>

#include "base/content_hasher.h"
#include "base/limits.h"
#include "io/aligned_buffer.h"
#include "store/frame_reader.h"
#include "store/pack_writer.h"

namespace varve {
namespace {

// Frames that are decoded together, so that their bases are read together.
constexpr size_t kBatchFrames = 64;

class Probe {
 public:
  Probe(Storage& storage, const RepositoryConfig& config, const PackId& pack)
      : storage_(storage), config_(config), pack_(pack), name_("pack " + pack.Hex()) {}

  Result<PackProbe> Run(Index* index) {
    const Status scanned = ScanPack(storage_, pack_, config_.id, [&](const PackDamage& damage) {
      Find(damage.offset, damage.what, damage.frame);
    });
    Result<std::vector<PlacedFrame>> frames = ReadPackFrames(storage_, pack_, config_.id);
    if (scanned.code() == Code::kNotFound || frames.status().code() == Code::kNotFound) {
      probe_.is_gone = true;
      return std::move(probe_);
    }
    if (frames.ok()) probe_.frames = *std::move(frames);
    if (!scanned.ok()) ReadFrameByFrame(scanned);
    if (index != nullptr) VARVE_RETURN_IF_ERROR(ProveIds(*index));
    if (!probe_.damage.empty() &&
        storage_.Size(PackPath(pack_)).status().code() == Code::kNotFound) {
      probe_ = {};  // what could not be read was collected meanwhile
      probe_.is_gone = true;
      return std::move(probe_);
    }
    probe_.frames_whole = static_cast<uint64_t>(
        std::count_if(probe_.frames.begin(), probe_.frames.end(),
                      [&](const PlacedFrame& frame) { return !damaged_.contains(frame.offset); }));
    return std::move(probe_);
  }

 private:
  void Find(uint64_t offset, const std::string& what, const ContentId& frame) {
    if (!frame.IsZero() && !damaged_.insert(offset).second) return;
    probe_.damage.push_back({offset, what, frame});
  }

  // The pack as a whole cannot be read: so as to lose only what lies in the bad sectors.
  void ReadFrameByFrame(const Status& why) {
    Find(0, name_ + ": " + why.message(), {});
    for (const PlacedFrame& frame : probe_.frames) {
      Bytes bytes(frame.info.FrameBytes());
      Status status = storage_.Read(PackPath(pack_), frame.offset, bytes);
      if (status.ok()) status = CheckStoredFrame(name_, frame.offset, bytes, frame.info);
      if (!status.ok()) Find(frame.offset, status.message(), frame.info.id);
    }
  }

  Status ProveIds(Index& index) {
    FrameReader reader(storage_, index);
    ContentHasher hasher(config_.id_key);
    AlignedBuffer raw;
    std::vector<FrameRequest> requests;
    for (size_t begin = 0; begin < probe_.frames.size(); begin += kBatchFrames) {
      const size_t end = std::min(begin + kBatchFrames, probe_.frames.size());
      requests.clear();
      size_t raw_bytes = 0;
      for (size_t i = begin; i < end; ++i)
        raw_bytes += probe_.frames[i].info.raw_length;
      if (raw.size() < raw_bytes) raw = AlignedBuffer(RoundUp(raw_bytes, kHugePage));
      size_t used = 0;
      for (size_t i = begin; i < end; ++i) {
        const PlacedFrame& frame = probe_.frames[i];
        if (damaged_.contains(frame.offset)) continue;
        FrameRequest request;
        request.id = frame.info.id;
        request.kind = frame.info.kind;
        request.into = raw.span().subspan(used, frame.info.raw_length);
        request.at = Place{pack_, frame.offset, frame.info};
        used += frame.info.raw_length;
        requests.push_back(request);
      }
      VARVE_RETURN_IF_ERROR(reader.ReadMany(requests));
      for (const FrameRequest& request : requests)
        Judge(request, hasher);
    }
    return {};
  }

  void Judge(const FrameRequest& request, ContentHasher& hasher) {
    if (!request.status.ok()) {
      if (request.base_failed) {
        ++probe_.frames_unproved;
      } else {
        Find(request.at->offset, request.status.message(), request.id);
      }
      return;
    }
    const ByteSpan raw = request.into.first(request.length);
    if (hasher.Compute(request.kind, raw) == request.id) return;
    if (!request.checked) {  // its base was read without a checksum, and is damaged itself
      ++probe_.frames_unproved;
      return;
    }
    Find(request.at->offset,
         name_ + ": frame at " + std::to_string(request.at->offset) + " (" + request.id.Short() +
             "): its bytes have another id",
         request.id);
  }

  Storage& storage_;
  const RepositoryConfig& config_;
  const PackId pack_;
  const std::string name_;
  std::set<uint64_t> damaged_;
  PackProbe probe_;
};

}  // namespace

Result<PackProbe> ProbePack(Storage& storage, const RepositoryConfig& config, const PackId& pack,
                            Index* index) {
  return Probe(storage, config, pack).Run(index);
}

}  // namespace varve
