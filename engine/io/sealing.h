// How the objects of an encrypted repository are sealed on their way to the disk and opened on
// their way back (FORMAT.md §12). A Storage carries it, the only door through which objects come
// and go, so nothing leaves in the clear because somebody did not think of it. Implemented in
// codec/. Thread-safe.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/secret.h"
#include "base/status.h"

namespace varve {

class Sealing {
 public:
  virtual ~Sealing() = default;

  // What is stored instead of the concatenation of `pieces`; nothing if they are to be stored as
  // they are (a sealed pack, a key slot). An error for what must not be stored in the clear.
  virtual Result<std::optional<Bytes>> Seal(const std::string& path,
                                            std::span<const ByteSpan> pieces) const = 0;
  // The object as it was before it was sealed. Corruption if it was changed, renamed, or is not
  // sealed though it should be.
  virtual Result<Bytes> Open(const std::string& path, Bytes stored) const = 0;
  virtual const RepositoryId& repository() const = 0;
  // The key that all frames of one pack are sealed with.
  virtual Result<DerivedKey> PackKey(const PackId& pack, ByteSpan salt) const = 0;
};

}  // namespace varve
