// From the stored bytes of a frame to what its encoding made: the same in a repository in the
// clear, unsealed in an encrypted one. Looks up each pack's key once and keeps it for a while.
// Thread-compatible: one per thread.
#pragma once

#include <unordered_map>

#include "base/ids.h"
#include "base/secret.h"
#include "base/status.h"
#include "codec/seal.h"
#include "format/pack_format.h"
#include "io/storage.h"

namespace varve {

class FrameOpener {
 public:
  // Borrowed.
  explicit FrameOpener(Storage& storage) : storage_(storage) {}

  // `stored` are the frame's stored bytes, checked against their checksum, and are changed in
  // place. Corruption if the frame is not this one of this pack, or is sealed or in the clear where
  // the repository is not; KeyRequired if the repository was opened without its key.
  Result<ByteSpan> Open(const PackId& pack, const PlacedFrame& placed, MutableByteSpan stored);

 private:
  Result<const DerivedKey*> KeyOf(const PackId& pack);

  Storage& storage_;
  FrameCipher cipher_;
  std::unordered_map<PackId, DerivedKey> keys_;
};

}  // namespace varve
