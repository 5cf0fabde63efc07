// Strong identifiers. Each kind of thing has its own type, so a pack id cannot be passed where a
// snapshot id is meant. Plain values: copied freely, compared and hashed bytewise.
#pragma once

#include <array>
#include <compare>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace varve {

template <typename Tag, size_t kBytes>
struct Id {
  static constexpr size_t kSize = kBytes;
  std::array<uint8_t, kBytes> bytes{};

  friend auto operator<=>(const Id&, const Id&) = default;
  // The all-zero id is reserved: "none", or for chunks and nodes "all zero bytes".
  bool IsZero() const { return *this == Id{}; }
  ByteSpan span() const { return bytes; }
  std::string Hex() const { return ToHex(bytes); }
  // Enough of it to tell objects apart in a message.
  std::string Short() const { return Hex().substr(0, 8); }

  static Id FromBytes(const uint8_t* from) {
    Id id;
    std::memcpy(id.bytes.data(), from, kBytes);
    return id;
  }
  // False (and `id` unspecified) if `text` is not the full lower-case hexadecimal form.
  static bool Parse(std::string_view text, Id* id) { return FromHex(text, id->bytes); }
};

// Keyed HMAC-SHA-256 of a chunk's or of a node's bytes: identity (engine.md, "three roles").
// Chunks and nodes share the type because both live in frames and the index; their ids are computed
// under different keys, so one can never be taken for the other.
using ContentId = Id<struct ContentTag, 32>;
// Keyed XXH3-128 of a chunk's bytes: a change hint, never identity.
using Fingerprint = Id<struct FingerprintTag, 16>;
using PackId = Id<struct PackTag, 16>;
using SnapshotId = Id<struct SnapshotTag, 16>;
using SessionId = Id<struct SessionTag, 16>;
// One group of condemned packs.
using CondemnedId = Id<struct CondemnedTag, 16>;
using DamageId = Id<struct DamageTag, 16>;
using KeySlotId = Id<struct KeySlotTag, 16>;
using QuotaTableId = Id<struct QuotaTableTag, 16>;
using RepositoryId = Id<struct RepositoryTag, 16>;

}  // namespace varve

template <typename Tag, size_t kBytes>
struct std::hash<varve::Id<Tag, kBytes>> {
  size_t operator()(const varve::Id<Tag, kBytes>& id) const noexcept {
    size_t value;  // ids are uniform already: any 8 of their bytes are a hash
    std::memcpy(&value, id.bytes.data(), sizeof(value));
    return value;
  }
};
