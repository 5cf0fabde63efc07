// What no writer of ours would make, for the tests and fuzzers of the readers: objects of any
// fields in any order, and right checksums over wrong bytes. Pure functions.
#pragma once

#include <vector>

#include "base/fingerprint.h"
#include "format/pack_format.h"
#include "format/small_object.h"

namespace varve {

struct RawField {
  uint16_t tag = 0;
  Bytes bytes;
  uint16_t reserved = 0;
};

template <typename T>
RawField NumberField(uint16_t tag, T value) {
  RawField field{tag, Bytes(sizeof(T)), 0};
  StoreLe(field.bytes.data(), value);
  return field;
}

inline RawField TextField(uint16_t tag, std::string_view text) {
  return {tag, Bytes(text.begin(), text.end()), 0};
}

// Puts the checksum of bytes [0, at) at `at`.
inline void RepairChecksum(MutableByteSpan bytes, size_t at) {
  if (bytes.size() >= at + 8) StoreLe<uint64_t>(&bytes[at], ComputeChecksum(bytes.first(at)));
}

// Both checksums of a small object.
inline void RepairSmallObject(MutableByteSpan object) {
  if (object.size() < kSmallObjectHeaderBytes) return;
  StoreLe<uint64_t>(&object[48], ComputeChecksum(object.subspan(kSmallObjectHeaderBytes)));
  RepairChecksum(object, 56);
}

inline void RepairPackHeader(MutableByteSpan header) {
  RepairChecksum(header, 88);
}
inline void RepairTrailer(MutableByteSpan trailer) {
  RepairChecksum(trailer, 56);
}
inline void RepairFrameHeader(MutableByteSpan header) {
  if (header.size() < kFrameHeaderBytes) return;
  RepairChecksum(header, ((header[5] & 0x7f) == 2 ? kDeltaHeaderBytes : kFrameHeaderBytes) - 8);
}

inline Bytes RawObject(ObjectKind kind, const RepositoryId& repository, const ObjectId& id,
                       const std::vector<RawField>& fields) {
  Bytes object = SmallObjectWriter().Finish(kind, repository, id);
  for (const RawField& field : fields) {
    AppendLe<uint16_t>(object, field.tag);
    AppendLe<uint16_t>(object, field.reserved);
    AppendLe<uint32_t>(object, static_cast<uint32_t>(field.bytes.size()));
    AppendBytes(object, field.bytes);
  }
  StoreLe<uint32_t>(&object[12], static_cast<uint32_t>(object.size() - kSmallObjectHeaderBytes));
  RepairSmallObject(object);
  return object;
}

// The fields of an object, to be changed and given to RawObject again. The object must be valid.
inline std::vector<RawField> FieldsOf(ByteSpan object) {
  std::vector<RawField> fields;
  for (ByteSpan rest = object.subspan(kSmallObjectHeaderBytes); !rest.empty();) {
    const auto length = LoadLe<uint32_t>(&rest[4]);
    const ByteSpan bytes = rest.subspan(8, length);
    fields.push_back({LoadLe<uint16_t>(&rest[0]), Bytes(bytes.begin(), bytes.end()),
                      LoadLe<uint16_t>(&rest[2])});
    rest = rest.subspan(8 + length);
  }
  return fields;
}

// The object with its fields replaced; kind, repository and id stay.
inline Bytes WithFields(ByteSpan object, const std::vector<RawField>& fields) {
  ObjectId id;
  std::memcpy(id.data(), &object[32], id.size());
  return RawObject(static_cast<ObjectKind>(object[10]), RepositoryId::FromBytes(&object[16]), id,
                   fields);
}

// The object with one field's bytes replaced. The field must exist.
inline Bytes WithField(ByteSpan object, const RawField& replacement) {
  std::vector<RawField> fields = FieldsOf(object);
  bool found = false;
  for (RawField& field : fields) {
    if (field.tag != replacement.tag) continue;
    field = replacement;
    found = true;
  }
  VARVE_CHECK(found);
  return WithFields(object, fields);
}

// The object without a field. The field must exist.
inline Bytes WithoutField(ByteSpan object, uint16_t tag) {
  std::vector<RawField> fields = FieldsOf(object);
  VARVE_CHECK(std::erase_if(fields, [&](const RawField& f) { return f.tag == tag; }) > 0);
  return WithFields(object, fields);
}

}  // namespace varve
