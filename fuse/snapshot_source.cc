#include "fuse/snapshot_source.h"

namespace varve {

SnapshotSource::SnapshotSource(OpenEngine open_engine, size_t cache_bytes)
    : open_engine_(std::move(open_engine)), shared_(std::make_shared<SharedReading>(cache_bytes)) {}

// A repository on read-only storage takes no record, and nobody deletes from it either.
Status SnapshotSource::BeginSession(OpenRepository& opened) {
  Repository& repository = opened.engine->repository();
  auto session = repository.BeginSession("mount", SessionRole::kReader, pins_);
  if (session.ok()) {
    opened.session = *std::move(session);
  } else if (session.status().code() == Code::kDenied) {
    repository.Notice("the mount is not protected from a GC: " + session.status().message());
  } else {
    return session.status();
  }
  return {};
}

Status SnapshotSource::OpenLocked() {
  if (repository_ != nullptr) return {};
  auto opened = std::make_shared<OpenRepository>();
  VARVE_ASSIGN_OR_RETURN(opened->engine, open_engine_());
  VARVE_RETURN_IF_ERROR(BeginSession(*opened));
  repository_ = std::move(opened);
  return {};
}

Status SnapshotSource::Pin(const SnapshotId& id) {
  const std::lock_guard lock(mutex_);
  VARVE_RETURN_IF_ERROR(OpenLocked());
  pins_.push_back(id);
  // The new session is there before the old one ends.
  return BeginSession(*repository_);
}

Result<std::shared_ptr<Engine>> SnapshotSource::engine() {
  const std::lock_guard lock(mutex_);
  VARVE_RETURN_IF_ERROR(OpenLocked());
  return std::shared_ptr<Engine>(repository_, repository_->engine.get());
}

void SnapshotSource::Outdated() {
  const std::lock_guard lock(mutex_);
  repository_ = nullptr;
}

Result<std::shared_ptr<SnapshotSource::OpenSnapshot>> SnapshotSource::Open(
    const SnapshotRecord& record) {
  auto opened = std::make_shared<OpenSnapshot>();
  const std::lock_guard lock(mutex_);
  VARVE_RETURN_IF_ERROR(OpenLocked());
  opened->repository = repository_;
  VARVE_ASSIGN_OR_RETURN(opened->reader,
                         SnapshotReader::Open(repository_->engine->repository(), record, shared_));
  return opened;
}

Result<std::shared_ptr<SnapshotFile>> SnapshotFile::Open(SnapshotSource& source,
                                                         const SnapshotRecord& record) {
  VARVE_ASSIGN_OR_RETURN(Opened opened, source.Open(record));
  return std::shared_ptr<SnapshotFile>(new SnapshotFile(source, record, std::move(opened)));
}

SnapshotFile::Opened SnapshotFile::Current() {
  const std::lock_guard lock(mutex_);
  return opened_;
}

Status SnapshotFile::Reopen(const Opened& failed) {
  const std::lock_guard lock(mutex_);
  if (opened_ != failed) return {};  // another thread was faster
  source_.Outdated();
  VARVE_ASSIGN_OR_RETURN(opened_, source_.Open(record_));
  return {};
}

Status SnapshotFile::ReadAt(uint64_t offset, MutableByteSpan into) {
  const Opened opened = Current();
  const Status status = opened->reader->ReadAt(offset, into);
  if (status.code() != Code::kNotFound) return status;
  VARVE_RETURN_IF_ERROR(Reopen(opened));
  return Current()->reader->ReadAt(offset, into);
}

Result<ViewExtent> SnapshotFile::NextExtent(uint64_t offset) {
  const Opened opened = Current();
  Result<ViewExtent> extent = opened->reader->NextExtent(offset);
  if (extent.status().code() != Code::kNotFound) return extent;
  VARVE_RETURN_IF_ERROR(Reopen(opened));
  return Current()->reader->NextExtent(offset);
}

Result<uint64_t> SnapshotFile::DataBytes() {
  return Current()->reader->DataBytes();
}

}  // namespace varve
