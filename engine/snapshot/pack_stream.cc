#include "snapshot/pack_stream.h"

#include "store/pack_reader.h"

namespace varve {

PackStream::PackStream(Storage& storage, Index& index, PendingIds& pending, Random& random,
                       const PackStreamOptions& options)
    : storage_(storage),
      index_(index),
      pending_(pending),
      random_(random),
      options_(options),
      sealed_(kPacks),
      publisher_([this] { PublishLoop(); }) {}

PackStream::~PackStream() {
  sealed_.Close();
  if (publisher_.joinable()) publisher_.join();
}

Status PackStream::Append(const FrameBatch& batch) {
  if (batch.empty()) return {};
  std::unique_lock lock(mutex_);
  if (filling_ != nullptr && !filling_->Fits(batch.bytes().size(), batch.frames().size())) {
    VARVE_RETURN_IF_ERROR(SealLocked(lock));
  }
  if (!first_error_.ok()) return first_error_;
  while (filling_ == nullptr) {
    std::unique_ptr<PackWriter> pack = TakeFreePack(lock);
    if (!first_error_.ok()) return first_error_;
    if (filling_ != nullptr) {  // another worker was faster while we waited
      free_.push_back(std::move(pack));
      break;
    }
    VARVE_RETURN_IF_ERROR(pack->Begin(random_));
    filling_ = std::move(pack);
  }
  if (!filling_->Fits(batch.bytes().size(), batch.frames().size())) {
    // Filled by others while we waited for a pack: once more from the start.
    lock.unlock();
    return Append(batch);
  }
  filling_->Append(batch.bytes(), batch.frames());
  return {};
}

Status PackStream::SealLocked(std::unique_lock<std::mutex>& lock) {
  std::unique_ptr<PackWriter> pack = std::move(filling_);
  lock.unlock();
  sealed_.Push(std::move(pack));  // never waits: there are no more packs than the queue holds
  lock.lock();
  return first_error_;
}

std::unique_ptr<PackWriter> PackStream::TakeFreePack(std::unique_lock<std::mutex>& lock) {
  if (free_.empty() && allocated_ < kPacks) {
    ++allocated_;
    return std::make_unique<PackWriter>(options_.content, options_.repository,
                                        options_.pack_bytes_max, storage_.sealing());
  }
  freed_.wait(lock, [&] { return !free_.empty(); });
  std::unique_ptr<PackWriter> pack = std::move(free_.back());
  free_.pop_back();
  return pack;
}

void PackStream::PublishLoop() {
  while (std::optional<std::unique_ptr<PackWriter>> pack = sealed_.Pop()) {
    bool poisoned = false;
    {
      const std::lock_guard lock(mutex_);
      poisoned = !first_error_.ok();
    }
    const Status status = poisoned ? Status() : PublishOne(**pack);
    const std::lock_guard lock(mutex_);
    if (first_error_.ok()) first_error_ = status;
    free_.push_back(*std::move(pack));
    freed_.notify_all();
  }
}

Status PackStream::PublishOne(PackWriter& pack) {
  VARVE_ASSIGN_OR_RETURN(const ByteSpan bytes, pack.Finish());
  if (options_.account != nullptr) {
    VARVE_RETURN_IF_ERROR(options_.account->Store(pack.id(), bytes.size()));
  }
  VARVE_RETURN_IF_ERROR(storage_.Publish(PackPath(pack.id()), bytes));
  // From here on the pack is durable and visible; only now may the index speak of it.
  VARVE_RETURN_IF_ERROR(index_.Add(pack.id(), PlaceFrames(pack.frames())));
  pending_.Release(pack.frames());
  const std::lock_guard lock(mutex_);
  totals_.bytes += bytes.size();
  for (const FrameInfo& frame : pack.frames()) {
    totals_.payload_bytes += frame.stored_length;
    totals_.frames += 1;
    totals_.deltas += frame.encoding == Encoding::kDelta ? 1 : 0;
  }
  return {};
}

Result<PackStreamTotals> PackStream::Finish() {
  {
    std::unique_lock lock(mutex_);
    if (filling_ != nullptr) {
      const Status status = SealLocked(lock);
      if (!status.ok()) return status;
    }
  }
  sealed_.Close();
  publisher_.join();
  const std::lock_guard lock(mutex_);
  if (!first_error_.ok()) return first_error_;
  return totals_;
}

}  // namespace varve
