// The configuration of a repository (FORMAT.md §3).
#pragma once

#include <string>

#include "base/content_hasher.h"
#include "base/fingerprint.h"
#include "base/ids.h"
#include "base/status.h"

namespace varve {

struct RepositoryConfig {
  RepositoryId id;
  int64_t created_unix_ns = 0;
  uint32_t chunk_size_bytes = 0;
  bool append_only = false;  // nothing is ever deleted from it
  IdKey id_key{};
  FingerprintSecret fingerprint_secret{};
};

// True for a power of two within the limits.
bool IsValidChunkSize(uint64_t size_bytes);

Bytes EncodeConfig(const RepositoryConfig& config);
Result<RepositoryConfig> DecodeConfig(const std::string& name, ByteSpan object);

}  // namespace varve
