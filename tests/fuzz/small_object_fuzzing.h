// What the fuzzers of the three small objects share: each input is read as it is, and once more
// with its lengths and checksums put right, so that the fields behind them are reached.
#pragma once

#include "format/raw_object.h"

namespace varve {

// Calls `read` with the bytes and with their repaired form. `read` must accept or refuse; what it
// accepts it must write and read again.
template <typename Read>
void FuzzSmallObject(const uint8_t* data, size_t size, Read read) {
  read(ByteSpan(data, size));
  if (size < kSmallObjectHeaderBytes) return;
  Bytes object(data, data + size);
  std::memcpy(object.data(), "VARVEOBJ", 8);
  StoreLe<uint32_t>(&object[12], static_cast<uint32_t>(size - kSmallObjectHeaderBytes));
  RepairSmallObject(object);
  read(ByteSpan(object));
}

// The ids that an object of at least a header's size claims to have.
inline RepositoryId ClaimedRepository(ByteSpan object) {
  return object.size() < 32 ? RepositoryId{} : RepositoryId::FromBytes(&object[16]);
}
template <typename IdType>
IdType ClaimedId(ByteSpan object) {
  return object.size() < 48 ? IdType{} : IdType::FromBytes(&object[32]);
}

// A refusal must be one of the two that callers know how to treat.
inline void CheckRefusal(const Status& status) {
  VARVE_CHECK(status.code() == Code::kCorruption || status.code() == Code::kUnsupported);
  VARVE_CHECK(!status.message().empty());
}

}  // namespace varve
