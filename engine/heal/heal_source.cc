#include "heal/heal_source.h"

#include <algorithm>

#include "base/limits.h"
#include "io/aligned_buffer.h"

namespace varve {
namespace {

constexpr size_t kTwinCacheBytes = 32 * kMiB;

Status ReadFrame(FrameReader& frames, ContentKind kind, const ContentId& id, Bytes* raw) {
  raw->resize(kFrameRawMax);
  FrameRequest request;
  request.id = id;
  request.kind = kind;
  request.into = *raw;
  VARVE_RETURN_IF_ERROR(frames.ReadMany({&request, 1}));
  raw->resize(request.status.ok() ? request.length : 0);
  return request.status;
}

class TwinSource : public HealSource {
 public:
  TwinSource(varve::Repository& twin, Index& index, bool shares_ids)
      : twin_(twin), shares_ids_(shares_ids), frames_(twin.storage(), index) {}

  std::string Name() const override { return "repository " + twin_.name(); }
  RepositoryId Repository() const override { return twin_.config().id; }
  bool SharesIds() const override { return shares_ids_; }

  Status ReadById(ContentKind kind, const ContentId& id, Bytes* raw) override {
    if (!shares_ids_) return NotFound(Name() + " has other ids");
    return ReadFrame(frames_, kind, id, raw);
  }

  Status ReadRange(const SnapshotRecord& record, uint64_t offset, MutableByteSpan into) override {
    if (reader_ == nullptr || reader_->record().id != record.id) {
      reader_ = nullptr;
      VARVE_ASSIGN_OR_RETURN(const SnapshotRecord copy, twin_.Snapshot(record.id));
      VARVE_ASSIGN_OR_RETURN(reader_, SnapshotReader::Open(twin_, copy, kTwinCacheBytes));
    }
    return reader_->ReadAt(offset, into);
  }

  Result<SnapshotRecord> FindRecord(const SnapshotId& id) override { return twin_.Snapshot(id); }

 private:
  varve::Repository& twin_;
  const bool shares_ids_;
  FrameReader frames_;
  std::unique_ptr<SnapshotReader> reader_;  // of the snapshot that was read last
};

class OwnFramesSource : public HealSource {
 public:
  OwnFramesSource(varve::Repository& repository, Index& index)
      : repository_(repository), frames_(repository.storage(), index) {}

  std::string Name() const override { return "frames whose headers are damaged"; }
  RepositoryId Repository() const override { return repository_.config().id; }
  bool SharesIds() const override { return true; }

  Status ReadById(ContentKind kind, const ContentId& id, Bytes* raw) override {
    return ReadFrame(frames_, kind, id, raw);
  }
  Status ReadRange(const SnapshotRecord&, uint64_t, MutableByteSpan) override {
    return NotFound("what is damaged cannot be read by its place in the volume");
  }
  Result<SnapshotRecord> FindRecord(const SnapshotId& id) override {
    return NotFound("the record of snapshot " + id.Hex() + " is damaged");
  }

 private:
  varve::Repository& repository_;
  FrameReader frames_;
};

class VolumeSource : public HealSource {
 public:
  VolumeSource(const Volume& volume, std::string volume_name, std::unique_ptr<BlockReader> reader,
               size_t slot_bytes)
      : volume_(volume),
        volume_name_(std::move(volume_name)),
        reader_(std::move(reader)),
        slot_bytes_(slot_bytes) {}

  std::string Name() const override { return "volume " + volume_.identity(); }
  RepositoryId Repository() const override { return {}; }
  bool SharesIds() const override { return false; }

  Status ReadById(ContentKind, const ContentId& id, Bytes*) override {
    return NotFound(Name() + " knows no ids such as " + id.Short());
  }

  Status ReadRange(const SnapshotRecord& record, uint64_t offset, MutableByteSpan into) override {
    if (record.volume_name != volume_name_) {
      return NotFound(Name() + " is not volume " + record.volume_name);
    }
    if (offset > volume_.size_bytes() || into.size() > volume_.size_bytes() - offset) {
      return NotFound(Name() + " ends before " + std::to_string(offset + into.size()));
    }
    while (!into.empty()) {
      const size_t piece = std::min(into.size(), slot_bytes_);
      VARVE_RETURN_IF_ERROR(reader_->Start(0, offset, piece));
      VARVE_ASSIGN_OR_RETURN(const ByteSpan bytes, reader_->Wait(0));
      std::copy(bytes.begin(), bytes.end(), into.begin());
      offset += piece;
      into = into.subspan(piece);
    }
    return {};
  }

  Result<SnapshotRecord> FindRecord(const SnapshotId& id) override {
    return NotFound(Name() + " has no record of snapshot " + id.Hex());
  }

 private:
  const Volume& volume_;
  const std::string volume_name_;
  const std::unique_ptr<BlockReader> reader_;
  const size_t slot_bytes_;
};

}  // namespace

Result<std::unique_ptr<HealSource>> NewTwinSource(Repository& twin,
                                                  const RepositoryConfig& damaged) {
  if (twin.config().id == damaged.id) {
    return InvalidArgument(twin.name() +
                           " is the repository that is to be repaired, or a bare copy "
                           "of its files");
  }
  VARVE_ASSIGN_OR_RETURN(Index * index, twin.index());
  const bool shares_ids = twin.config().id_key == damaged.id_key;
  return std::unique_ptr<HealSource>(std::make_unique<TwinSource>(twin, *index, shares_ids));
}

Result<std::unique_ptr<HealSource>> NewOwnFramesSource(Repository& repository) {
  VARVE_ASSIGN_OR_RETURN(Index * index, repository.index());
  return std::unique_ptr<HealSource>(std::make_unique<OwnFramesSource>(repository, *index));
}

Result<std::unique_ptr<HealSource>> NewVolumeSource(const Volume& volume,
                                                    const std::string& volume_name) {
  BlockReaderOptions options;
  options.slots = 1;
  VARVE_ASSIGN_OR_RETURN(std::unique_ptr<BlockReader> reader, volume.NewReader(options));
  return std::unique_ptr<HealSource>(
      std::make_unique<VolumeSource>(volume, volume_name, std::move(reader), options.slot_bytes));
}

}  // namespace varve
