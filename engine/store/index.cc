#include "store/index.h"

namespace varve {

Status Index::FindUsable(std::span<const ContentId> ids,
                         std::vector<std::optional<Place>>* places) {
  VARVE_RETURN_IF_ERROR(FindMany(ids, places));
  std::vector<ContentId> base_ids;
  std::vector<Place*> deltas;
  for (std::optional<Place>& place : *places) {
    if (!place || place->frame.encoding != Encoding::kDelta) continue;
    base_ids.push_back(place->frame.base);
    deltas.push_back(&*place);
  }
  if (deltas.empty()) return {};
  std::vector<std::optional<Place>> bases;
  VARVE_RETURN_IF_ERROR(FindMany(base_ids, &bases));
  for (size_t i = 0; i < deltas.size(); ++i) {
    const bool stands =
        bases[i] && bases[i]->usable && bases[i]->frame.encoding != Encoding::kDelta;
    deltas[i]->usable = deltas[i]->usable && stands;
  }
  return {};
}

}  // namespace varve
