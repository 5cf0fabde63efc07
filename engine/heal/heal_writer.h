// Writes what a repair brings back, or a copy brings over, into new packs of a repository, under a
// session of its own (G1) that begins with the first frame. One thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "repo/repository.h"
#include "snapshot/pack_stream.h"
#include "store/frame_writer.h"

namespace varve {

class HealWriter {
 public:
  // Both borrowed; the repository is open for writing, `index` is told of the new packs.
  // An account, if there is one (borrowed), is told of what is written.
  HealWriter(Repository& repository, Index& index, std::string purpose,
             std::vector<SnapshotId> pins = {}, SnapshotAccount* account = nullptr);
  ~HealWriter();

  // Begins the session; Add does so by itself.
  Status Begin();
  // After Begin.
  const Session& session() const { return *session_; }
  // True if this writer has no frame of the id under way: it is the caller's to add or to release.
  bool Claim(const ContentId& id) { return pending_.Claim(id); }
  void Release(const ContentId& id) { pending_.Release(id); }

  // Encodes the raw bytes as a frame that stands alone, or as a delta on `base` (may be null).
  Status Add(ContentKind kind, const ContentId& id, ByteSpan raw, const DeltaBase* base);
  // A frame as it is stored elsewhere, checked by the caller.
  Status AddStored(ByteSpan frame, const FrameInfo& info);
  // Publishes what is not published yet. When it returns, all that was added is durable.
  Status Finish();
  // What was added, once finished.
  const PackStreamTotals& totals() const { return totals_; }
  bool used() const { return session_ != nullptr; }

 private:
  Repository& repository_;
  Index& index_;
  const std::string purpose_;
  const std::vector<SnapshotId> pins_;
  SnapshotAccount* const account_;
  FrameWriter writer_;
  FrameBatch batch_;
  PendingIds pending_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<PackStream> chunks_;
  std::unique_ptr<PackStream> nodes_;
  PackStreamTotals totals_;
};

}  // namespace varve
