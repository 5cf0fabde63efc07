#include "restore/chunk_loader.h"

namespace varve {

Status ChunkLoader::Load(std::span<ChunkRequest> requests, Check check) {
  frame_requests_.clear();
  for (const ChunkRequest& request : requests) {
    FrameRequest frame;
    frame.id = request.chunk.id;
    frame.into = request.into;
    frame_requests_.push_back(frame);
  }
  VARVE_RETURN_IF_ERROR(frames_.ReadMany(frame_requests_));
  for (size_t i = 0; i < requests.size(); ++i) {
    ChunkRequest& request = requests[i];
    const FrameRequest& frame = frame_requests_[i];
    request.status = frame.status;
    if (!request.status.ok()) continue;
    const std::string name = "chunk " + request.chunk.id.Hex();
    if (frame.length != request.into.size()) {
      request.status =
          Corruption(name + ": is " + std::to_string(frame.length) +
                     " bytes, its place in the volume has " + std::to_string(request.into.size()));
    } else if (ComputeFingerprint(secret_, request.into) != request.chunk.fingerprint) {
      request.status = Corruption(name + ": its bytes have another fingerprint");
    } else if (check == Check::kFingerprintAndId &&
               hasher_.Compute(ContentKind::kChunk, request.into) != request.chunk.id) {
      request.status = Corruption(name + ": its bytes have another id");
    }
  }
  return {};
}

}  // namespace varve
