#include "fuse/snapshot_source.h"

namespace varve {

SnapshotSource::SnapshotSource(OpenEngine open_engine, size_t cache_bytes)
    : open_engine_(std::move(open_engine)), shared_(std::make_shared<SharedReading>(cache_bytes)) {}

Result<std::shared_ptr<Engine>> SnapshotSource::engine() {
  const std::lock_guard lock(mutex_);
  if (engine_ == nullptr) {
    VARVE_ASSIGN_OR_RETURN(engine_, open_engine_());
  }
  return engine_;
}

void SnapshotSource::Outdated() {
  const std::lock_guard lock(mutex_);
  engine_ = nullptr;
}

Result<std::shared_ptr<SnapshotSource::OpenSnapshot>> SnapshotSource::Open(
    const SnapshotRecord& record) {
  auto opened = std::make_shared<OpenSnapshot>();
  VARVE_ASSIGN_OR_RETURN(opened->engine, engine());
  VARVE_ASSIGN_OR_RETURN(opened->reader,
                         SnapshotReader::Open(opened->engine->repository(), record, shared_));
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
