#include "snapshot/node_storer.h"

#include <algorithm>

namespace varve {
namespace {

ContentKind KindOf(uint32_t level) {
  return level == 0 ? ContentKind::kLeaf : ContentKind::kInner;
}

}  // namespace

NodeStorer::NodeStorer(Storage& storage, Index& index, PendingIds& pending, PackStream& packs,
                       SnapshotAccount& account, bool prove, int compression_level)
    : index_(index),
      pending_(pending),
      packs_(packs),
      account_(account),
      prove_(prove),
      frames_(storage, index),
      writer_(compression_level),
      batch_(kNodeBytesMax + kDeltaHeaderBytes) {}

// The older node if it is stored whole, otherwise that node's own base. No base at all is fine.
Status NodeStorer::FindBase(const NewNode& node, std::optional<DeltaBase>* base) {
  if (node.older == nullptr) return {};
  VARVE_ASSIGN_OR_RETURN(const std::optional<Place> place, index_.FindUsable(node.older->id));
  if (!place || !place->usable) return {};
  if (place->frame.encoding != Encoding::kDelta) {
    older_bytes_ = node.level == 0 ? EncodeLeaf(node.older->chunks)
                                   : EncodeInner(node.level, node.older->children);
    *base = DeltaBase{node.older->id, older_bytes_, place->frame.stored_length};
    return {};
  }
  older_bytes_.resize(kNodeBytesMax);
  FrameRequest request;
  request.id = place->frame.base;
  request.kind = KindOf(node.level);
  request.into = older_bytes_;
  VARVE_RETURN_IF_ERROR(frames_.ReadMany({&request, 1}));
  if (!request.status.ok() || !request.checked) return {};
  *base = DeltaBase{request.id, request.into.first(request.length), request.frame.stored_length};
  return {};
}

// Is there a usable frame of the node already? `place` is where the index has it, usable or not.
Result<bool> NodeStorer::IsKnown(const NewNode& node, std::optional<Place>* place) {
  VARVE_ASSIGN_OR_RETURN(*place, index_.FindUsable(node.id));
  if (!*place || !(*place)->usable) return false;
  if (!prove_) return true;
  older_bytes_.resize(kNodeBytesMax);
  FrameRequest request;
  request.id = node.id;
  request.kind = KindOf(node.level);
  request.into = older_bytes_;
  VARVE_RETURN_IF_ERROR(frames_.ReadMany({&request, 1}));
  return request.status.ok() && request.checked &&
         std::equal(node.bytes.begin(), node.bytes.end(), older_bytes_.begin(),
                    older_bytes_.begin() + static_cast<ptrdiff_t>(request.length));
}

Status NodeStorer::Store(const NewNode& node) {
  if (!pending_.Claim(node.id)) return {};
  std::optional<Place> place;
  VARVE_ASSIGN_OR_RETURN(const bool known, IsKnown(node, &place));
  if (known) {
    pending_.Release(node.id);
    return account_.Reuse(*place);
  }
  std::optional<DeltaBase> base;
  // What takes the place of a damaged frame stands alone: others may stand on it.
  if (!place) VARVE_RETURN_IF_ERROR(FindBase(node, &base));
  if (base && base->id == node.id) base.reset();
  batch_.Clear();
  VARVE_RETURN_IF_ERROR(
      writer_.Append(KindOf(node.level), node.id, node.bytes, base ? &*base : nullptr, &batch_));
  return packs_.Append(batch_);
}

}  // namespace varve
