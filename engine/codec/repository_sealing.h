// Sealing with a repository's master key: which key seals what, and what a seal binds (FORMAT.md
// §12).
#pragma once

#include <memory>

#include "base/ids.h"
#include "base/random.h"
#include "base/secret.h"
#include "codec/seal.h"
#include "format/pack_format.h"
#include "format/small_object.h"
#include "io/sealing.h"

namespace varve {

// Borrows `master_key`, which has kMasterKeyBytes, and `random`.
std::unique_ptr<Sealing> NewRepositorySealing(const Secret& master_key,
                                              const RepositoryId& repository, Random& random);

// For a repository that is opened without its key: whole objects are KeyRequired, damaged ones
// Corruption, and nothing can be stored. `hint` says which key is needed.
std::unique_ptr<Sealing> NewLockedSealing(const RepositoryId& repository, std::string hint);

// Seals a frame that lies in `frame` as header and encoded bytes, with room for the tag behind it,
// and writes its header anew. `info` is the sealed one.
void SealFrame(FrameCipher& cipher, const DerivedKey& key, const RepositoryId& repository,
               const PackId& pack, const PlacedFrame& placed, MutableByteSpan frame);

// Opens `stored` (with its tag) in place and answers the encoded bytes. Corruption if it is not
// the frame that `placed` says, of this pack and this repository, at this place.
Result<ByteSpan> OpenFrame(FrameCipher& cipher, const DerivedKey& key,
                           const RepositoryId& repository, const PackId& pack,
                           const PlacedFrame& placed, MutableByteSpan stored);

}  // namespace varve
