// The envelope of configuration, snapshot records and sessions (FORMAT.md §2): version, kind,
// length and checksums that can be read without keys, around a list of tagged fields.
// Thread-compatible values; parsing never trusts a length (R9).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/status.h"

namespace varve {

inline constexpr uint16_t kFormatVersion = 1;
inline constexpr size_t kSmallObjectHeaderBytes = 64;
// Tags with this bit must be understood by whoever reads the object.
inline constexpr uint16_t kCriticalTag = 0x8000;

enum class ObjectKind : uint8_t {
  kConfig = 1,
  kSnapshot = 2,
  kSession = 3,
  kTombstone = 4,
  kHold = 5,
  kCondemned = 6,
  kQuotas = 7,
  kDamage = 16,
  kKeySlot = 24,
  kOverlay = 32,
};
// The seal byte of small objects and packs: 0 for none, or this.
inline constexpr uint8_t kSealAesGcm = 1;

using ObjectId = std::array<uint8_t, 16>;

// Collects fields in ascending tag order and wraps them.
class SmallObjectWriter {
 public:
  void Field(uint16_t tag, ByteSpan bytes);
  void Text(uint16_t tag, std::string_view text) { Field(tag, AsBytes(text)); }
  template <typename T>
  void Number(uint16_t tag, T value) {
    uint8_t raw[sizeof(T)];
    StoreLe(raw, value);
    Field(tag, raw);
  }
  // Ids of 16 bytes, back to back.
  template <typename IdType>
  void Ids(uint16_t tag, const std::vector<IdType>& ids) {
    Bytes joined;
    for (const IdType& id : ids)
      AppendBytes(joined, id.span());
    Field(tag, joined);
  }
  // The finished object.
  Bytes Finish(ObjectKind kind, const RepositoryId& repository, const ObjectId& id) const;

 private:
  Bytes payload_;
  uint16_t last_tag_ = 0;
};

// The envelope of an object, sealed or not, with everything checked that needs no key.
struct SmallObjectEnvelope {
  ObjectKind kind = ObjectKind::kConfig;
  bool sealed = false;
  RepositoryId repository;
  ObjectId id{};
  ByteSpan payload;  // as stored
};
// `name` is how messages call the object.
Result<SmallObjectEnvelope> OpenEnvelope(const std::string& name, ByteSpan object);
// Does it begin like a small object?
bool IsSmallObject(ByteSpan bytes);
// The envelope's header for `stored_payload`, and that behind it. The header's first 48 bytes are
// what a seal binds.
inline constexpr size_t kEnvelopeBoundBytes = 48;
Bytes WrapPayload(const SmallObjectEnvelope& envelope, ByteSpan stored_payload);

// Parses an object and hands out its fields. Views point into the bytes given to Open, which must
// outlive the reader. Every failure is Corruption or Unsupported and names what and where.
class SmallObjectReader {
 public:
  // `name` is how messages call the object.
  static Result<SmallObjectReader> Open(std::string name, ByteSpan object, ObjectKind kind);

  const RepositoryId& repository() const { return repository_; }
  const ObjectId& id() const { return id_; }

  // Getters take fields by tag. A wrong length or a missing field fails; Find* answer false (ok,
  // absent) for optional ones.
  Status GetBytes(uint16_t tag, MutableByteSpan into) const;
  Result<bool> FindBytes(uint16_t tag, MutableByteSpan into) const;
  // A field of any length.
  Result<ByteSpan> GetSpan(uint16_t tag) const;
  template <typename T>
  Status GetNumber(uint16_t tag, T* value) const {
    uint8_t raw[sizeof(T)];
    VARVE_RETURN_IF_ERROR(GetBytes(tag, raw));
    *value = LoadLe<T>(raw);
    return {};
  }
  Status GetText(uint16_t tag, size_t size_max, std::string* text) const;
  Result<bool> FindText(uint16_t tag, size_t size_max, std::string* text) const;
  // Ids of 16 bytes, back to back. Find: empty if the field is absent.
  template <typename IdType>
  Status FindIds(uint16_t tag, size_t count_max, std::vector<IdType>* ids) const {
    ids->clear();
    VARVE_ASSIGN_OR_RETURN(const ByteSpan joined, IdBytes(tag, count_max));
    for (size_t at = 0; at < joined.size(); at += IdType::kSize) {
      ids->push_back(IdType::FromBytes(joined.data() + at));
    }
    return {};
  }
  template <typename IdType>
  Status GetIds(uint16_t tag, size_t count_max, std::vector<IdType>* ids) const {
    if (Find(tag) == nullptr) return Missing(tag);
    return FindIds(tag, count_max, ids);
  }
  // All fields of a repeated tag, in order.
  Result<std::vector<ByteSpan>> Spans(uint16_t tag, size_t count_max) const;
  Result<std::vector<std::string>> Texts(uint16_t tag, size_t size_max, size_t count_max) const;
  // Unsupported if a critical tag is not among `known`; Corruption if a tag repeats and is not
  // `repeated`.
  Status CheckTags(std::initializer_list<uint16_t> known, uint16_t repeated = 0) const;

  Status Damaged(std::string_view what) const;

 private:
  struct FieldView {
    uint16_t tag;
    ByteSpan bytes;
  };
  Status ParseFields(ByteSpan payload);
  const FieldView* Find(uint16_t tag) const;
  Status Missing(uint16_t tag) const;
  Result<ByteSpan> IdBytes(uint16_t tag, size_t count_max) const;
  Status CopyText(const FieldView& field, size_t size_max, std::string* text) const;

  std::string name_;
  RepositoryId repository_;
  ObjectId id_{};
  std::vector<FieldView> fields_;
};

}  // namespace varve
