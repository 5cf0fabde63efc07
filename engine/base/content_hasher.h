// Identity: HMAC-SHA-256 of chunks and nodes under keys derived from the repository's id key.
#pragma once

#include <array>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/ids.h"

namespace varve {

using IdKey = std::array<uint8_t, 32>;

enum class ContentKind : uint8_t { kChunk = 1, kLeaf = 2, kInner = 3 };

// Computes ids. Each kind has its own key, HMAC-SHA-256(id key, "varve id v1 <kind byte>"), so the
// bytes of a node stored as a chunk never get the node's id.
// Thread-compatible: one per thread; it reuses its contexts and allocates nothing of ours per call.
class ContentHasher {
 public:
  explicit ContentHasher(const IdKey& id_key);
  ~ContentHasher();
  ContentHasher(ContentHasher&&) noexcept;
  ContentHasher& operator=(ContentHasher&&) = delete;

  ContentId Compute(ContentKind kind, ByteSpan bytes);
  // The ids of all `messages`, in their order. Faster than one by one: neighbours of equal length
  // are hashed in pairs.
  void ComputeMany(ContentKind kind, std::span<const ByteSpan> messages, std::span<ContentId> ids);

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
};

}  // namespace varve
