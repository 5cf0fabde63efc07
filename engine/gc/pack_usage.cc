#include "gc/pack_usage.h"

#include <algorithm>

namespace varve {
namespace {

class Judge {
 public:
  Judge(Storage& storage, const RepositoryId& repository, LiveSet& live, Progress& progress)
      : storage_(storage), repository_(repository), live_(live), progress_(progress) {}

  Status ReadFrames(const std::vector<PackListing>& packs, const std::set<PackId>& condemned) {
    live_.ForgetFrames();
    for (const PackListing& listing : packs) {
      if (progress_.cancelled) return Cancelled("interrupted");
      PackUsage pack;
      pack.id = listing.id;
      pack.size_bytes = listing.size_bytes;
      pack.condemned = condemned.count(listing.id) != 0;
      const Result<std::vector<PlacedFrame>> frames = Frames(listing.id);
      if (frames.status().code() == Code::kNotFound) continue;  // quarantined, say
      if (!frames.ok() && frames.status().code() != Code::kCorruption) return frames.status();
      pack.judged = frames.ok();
      pack.first_ordinal = live_.frames();
      if (frames.ok()) VARVE_RETURN_IF_ERROR(AddFrames(*frames, &pack));
      usage_.bytes_total += pack.size_bytes;
      usage_.packs.push_back(pack);
    }
    return {};
  }

  // Until no living delta brings a new base. The first round finds nearly all: a base is hardly
  // ever a delta in another pack.
  Status FindAlive() {
    uint64_t alive_before = UINT64_MAX;
    for (;;) {
      VARVE_ASSIGN_OR_RETURN(usage_.frames, live_.Judge());
      const auto alive = static_cast<uint64_t>(
          std::count(usage_.frames.alive.begin(), usage_.frames.alive.end(), true));
      if (alive == alive_before) return {};
      alive_before = alive;
      VARVE_RETURN_IF_ERROR(ForEachLivingFrame([&](PackUsage&, const FrameInfo& frame) {
        return frame.encoding == Encoding::kDelta ? live_.AddReference(frame.base) : Status();
      }));
    }
  }

  Status CountAlive() {
    return ForEachLivingFrame([](PackUsage& pack, const FrameInfo& frame) {
      ++pack.live_frames;
      pack.live_bytes += frame.FrameBytes();
      return Status();
    });
  }

  RepositoryUsage TakeUsage() { return std::move(usage_); }

 private:
  Result<std::vector<PlacedFrame>> Frames(const PackId& pack) {
    return ReadPackFooter(storage_, pack, repository_);
  }

  Status AddFrames(const std::vector<PlacedFrame>& frames, PackUsage* pack) {
    pack->frames = static_cast<uint32_t>(frames.size());
    pack->content =
        frames[0].info.kind == ContentKind::kChunk ? PackContent::kChunks : PackContent::kNodes;
    for (const PlacedFrame& frame : frames) {
      VARVE_RETURN_IF_ERROR(
          live_.AddFrame(frame.info.id, pack->condemned, frame.info.encoding == Encoding::kDelta));
    }
    return {};
  }

  template <typename Function>
  Status ForEachLivingFrame(const Function& function) {
    for (PackUsage& pack : usage_.packs) {
      if (progress_.cancelled) return Cancelled("interrupted");
      const auto begin = usage_.frames.alive.begin() + static_cast<ptrdiff_t>(pack.first_ordinal);
      if (std::find(begin, begin + pack.frames, true) == begin + pack.frames) continue;
      VARVE_ASSIGN_OR_RETURN(const std::vector<PlacedFrame> frames, Frames(pack.id));
      for (uint32_t i = 0; i < pack.frames; ++i) {
        if (usage_.frames.alive[pack.first_ordinal + i]) {
          VARVE_RETURN_IF_ERROR(function(pack, frames[i].info));
        }
      }
    }
    return {};
  }

  Storage& storage_;
  const RepositoryId repository_;
  LiveSet& live_;
  Progress& progress_;
  RepositoryUsage usage_;
};

}  // namespace

Result<RepositoryUsage> JudgePacks(Storage& storage, const RepositoryId& repository,
                                   const std::vector<PackListing>& packs,
                                   const std::set<PackId>& condemned, LiveSet& live,
                                   Progress& progress) {
  Judge judge(storage, repository, live, progress);
  VARVE_RETURN_IF_ERROR(judge.ReadFrames(packs, condemned));
  VARVE_RETURN_IF_ERROR(judge.FindAlive());
  VARVE_RETURN_IF_ERROR(judge.CountAlive());
  return judge.TakeUsage();
}

}  // namespace varve
