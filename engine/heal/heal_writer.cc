#include "heal/heal_writer.h"

#include "base/limits.h"

namespace varve {

HealWriter::HealWriter(Repository& repository, Index& index, std::string purpose,
                       std::vector<SnapshotId> pins, SnapshotAccount* account)
    : repository_(repository),
      index_(index),
      purpose_(std::move(purpose)),
      pins_(std::move(pins)),
      account_(account),
      writer_(kCompressionLevelDefault),
      batch_(kFrameRawMax + kDeltaHeaderBytes) {}

HealWriter::~HealWriter() {
  chunks_ = nullptr;
  nodes_ = nullptr;
  if (session_ == nullptr) return;
  const Status ended = session_->End();
  if (!ended.ok()) repository_.Notice("the session's record stays: " + ended.message());
}

Status HealWriter::Begin() {
  if (session_ != nullptr) return {};
  VARVE_ASSIGN_OR_RETURN(session_, repository_.BeginSession(purpose_, SessionRole::kWriter, pins_));
  const auto stream = [&](PackContent content, uint64_t target) {
    return std::make_unique<PackStream>(
        repository_.storage(), index_, pending_, repository_.random(),
        PackStreamOptions{content, repository_.config().id, target, account_});
  };
  chunks_ = stream(PackContent::kChunks, kDataPackTarget);
  nodes_ = stream(PackContent::kNodes, kNodePackTarget);
  return {};
}

Status HealWriter::Add(ContentKind kind, const ContentId& id, ByteSpan raw, const DeltaBase* base) {
  VARVE_RETURN_IF_ERROR(Begin());
  batch_.Clear();
  VARVE_RETURN_IF_ERROR(writer_.Append(kind, id, raw, base, &batch_));
  return (kind == ContentKind::kChunk ? chunks_ : nodes_)->Append(batch_);
}

Status HealWriter::AddStored(ByteSpan frame, const FrameInfo& info) {
  VARVE_RETURN_IF_ERROR(Begin());
  batch_.Clear();
  batch_.AppendStored(frame, info);
  return (info.kind == ContentKind::kChunk ? chunks_ : nodes_)->Append(batch_);
}

Status HealWriter::Finish() {
  if (chunks_ == nullptr) return {};
  for (PackStream* stream : {chunks_.get(), nodes_.get()}) {
    VARVE_ASSIGN_OR_RETURN(const PackStreamTotals totals, stream->Finish());
    totals_ += totals;
  }
  chunks_ = nullptr;
  nodes_ = nullptr;
  return {};
}

}  // namespace varve
