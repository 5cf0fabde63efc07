#include "format/small_object.h"

#include <algorithm>

#include "base/fingerprint.h"
#include "base/limits.h"

namespace varve {
namespace {

constexpr char kMagic[] = "VARVEOBJ";
constexpr size_t kFieldHeaderBytes = 8;

std::string TagName(uint16_t tag) {
  uint8_t raw[2] = {static_cast<uint8_t>(tag >> 8), static_cast<uint8_t>(tag & 255)};
  return "field 0x" + ToHex(raw);
}

}  // namespace

void SmallObjectWriter::Field(uint16_t tag, ByteSpan bytes) {
  VARVE_CHECK(tag >= last_tag_);
  last_tag_ = tag;
  AppendLe<uint16_t>(payload_, tag);
  AppendLe<uint16_t>(payload_, 0);
  AppendLe<uint32_t>(payload_, static_cast<uint32_t>(bytes.size()));
  AppendBytes(payload_, bytes);
}

Bytes SmallObjectWriter::Finish(ObjectKind kind, const RepositoryId& repository,
                                const ObjectId& id) const {
  return WrapPayload({kind, false, repository, id, {}}, payload_);
}

bool IsSmallObject(ByteSpan bytes) {
  return bytes.size() >= 8 && std::memcmp(bytes.data(), kMagic, 8) == 0;
}

Bytes WrapPayload(const SmallObjectEnvelope& envelope, ByteSpan stored_payload) {
  VARVE_CHECK(kSmallObjectHeaderBytes + stored_payload.size() <= kSmallObjectMax);
  Bytes object(kSmallObjectHeaderBytes);
  std::memcpy(&object[0], kMagic, 8);
  StoreLe<uint16_t>(&object[8], kFormatVersion);
  object[10] = static_cast<uint8_t>(envelope.kind);
  object[11] = envelope.sealed ? kSealAesGcm : 0;
  StoreLe<uint32_t>(&object[12], static_cast<uint32_t>(stored_payload.size()));
  std::memcpy(&object[16], envelope.repository.bytes.data(), 16);
  std::memcpy(&object[32], envelope.id.data(), 16);
  StoreLe<uint64_t>(&object[48], ComputeChecksum(stored_payload));
  StoreLe<uint64_t>(&object[56], ComputeChecksum(ByteSpan(object).first(56)));
  AppendBytes(object, stored_payload);
  return object;
}

Result<SmallObjectEnvelope> OpenEnvelope(const std::string& name, ByteSpan object) {
  const auto damaged = [&](const std::string& what) { return Corruption(name + ": " + what); };
  if (object.size() < kSmallObjectHeaderBytes) {
    return damaged("is " + std::to_string(object.size()) + " bytes, shorter than a header");
  }
  if (object.size() > kSmallObjectMax) {
    return damaged("is " + std::to_string(object.size()) + " bytes, larger than allowed");
  }
  const uint8_t* header = object.data();
  if (!IsSmallObject(object)) return damaged("has no VARVEOBJ magic");
  if (LoadLe<uint64_t>(header + 56) != ComputeChecksum(object.first(56))) {
    return damaged("header checksum does not match");
  }
  const auto version = LoadLe<uint16_t>(header + 8);
  if (version > kFormatVersion) {
    return Unsupported(name + ": format version " + std::to_string(version) +
                       " is newer than this program's " + std::to_string(kFormatVersion));
  }
  if (version == 0) return damaged("format version 0");
  if (header[11] > kSealAesGcm) {
    return Unsupported(name + ": seal " + std::to_string(header[11]) +
                       " is not known to this program");
  }
  SmallObjectEnvelope envelope;
  envelope.kind = static_cast<ObjectKind>(header[10]);
  envelope.sealed = header[11] == kSealAesGcm;
  const auto length = LoadLe<uint32_t>(header + 12);
  envelope.payload = object.subspan(kSmallObjectHeaderBytes);
  if (length != envelope.payload.size()) {
    return damaged("payload of " + std::to_string(length) + " bytes announced, " +
                   std::to_string(envelope.payload.size()) + " present");
  }
  if (LoadLe<uint64_t>(header + 48) != ComputeChecksum(envelope.payload)) {
    return damaged("payload checksum does not match");
  }
  if (envelope.sealed && length < kSealSaltBytes + kSealTagBytes) {
    return damaged("sealed payload of " + std::to_string(length) + " bytes");
  }
  envelope.repository = RepositoryId::FromBytes(header + 16);
  std::memcpy(envelope.id.data(), header + 32, 16);
  return envelope;
}

Status SmallObjectReader::Damaged(std::string_view what) const {
  return Corruption(name_ + ": " + std::string(what));
}

Result<SmallObjectReader> SmallObjectReader::Open(std::string name, ByteSpan object,
                                                  ObjectKind kind) {
  SmallObjectReader reader;
  reader.name_ = std::move(name);
  VARVE_ASSIGN_OR_RETURN(const SmallObjectEnvelope envelope, OpenEnvelope(reader.name_, object));
  if (envelope.kind != kind) {
    return reader.Damaged("is of kind " + std::to_string(static_cast<int>(envelope.kind)) +
                          ", expected " + std::to_string(static_cast<int>(kind)));
  }
  // Sealed objects are opened by a Sealing before they come here.
  if (envelope.sealed) return Unsupported(reader.name_ + ": is sealed and was not opened");
  reader.repository_ = envelope.repository;
  reader.id_ = envelope.id;
  VARVE_RETURN_IF_ERROR(reader.ParseFields(envelope.payload));
  return reader;
}

Status SmallObjectReader::ParseFields(ByteSpan payload) {
  uint16_t last_tag = 0;
  while (!payload.empty()) {
    if (payload.size() < kFieldHeaderBytes) return Damaged("ends inside a field header");
    const auto tag = LoadLe<uint16_t>(payload.data());
    const auto reserved = LoadLe<uint16_t>(payload.data() + 2);
    const auto length = LoadLe<uint32_t>(payload.data() + 4);
    payload = payload.subspan(kFieldHeaderBytes);
    if (reserved != 0) return Damaged(TagName(tag) + " has reserved bits set");
    if (tag < last_tag) return Damaged(TagName(tag) + " is out of order");
    if (length > payload.size()) {
      return Damaged(TagName(tag) + " of " + std::to_string(length) + " bytes passes the end");
    }
    last_tag = tag;
    fields_.push_back({tag, payload.first(length)});
    payload = payload.subspan(length);
  }
  return {};
}

const SmallObjectReader::FieldView* SmallObjectReader::Find(uint16_t tag) const {
  const auto found = std::find_if(fields_.begin(), fields_.end(),
                                  [&](const FieldView& field) { return field.tag == tag; });
  return found == fields_.end() ? nullptr : &*found;
}

Result<bool> SmallObjectReader::FindBytes(uint16_t tag, MutableByteSpan into) const {
  const FieldView* field = Find(tag);
  if (field == nullptr) return false;
  if (field->bytes.size() != into.size()) {
    return Damaged(TagName(tag) + " is " + std::to_string(field->bytes.size()) +
                   " bytes, expected " + std::to_string(into.size()));
  }
  std::copy(field->bytes.begin(), field->bytes.end(), into.begin());
  return true;
}

Status SmallObjectReader::GetBytes(uint16_t tag, MutableByteSpan into) const {
  VARVE_ASSIGN_OR_RETURN(const bool found, FindBytes(tag, into));
  return found ? Status() : Missing(tag);
}

Status SmallObjectReader::Missing(uint16_t tag) const {
  return Damaged(TagName(tag) + " is missing");
}

Result<ByteSpan> SmallObjectReader::IdBytes(uint16_t tag, size_t count_max) const {
  const FieldView* field = Find(tag);
  if (field == nullptr) return ByteSpan();
  const size_t size = field->bytes.size();
  if (size % std::tuple_size_v<ObjectId> != 0 || size / std::tuple_size_v < ObjectId >> count_max) {
    return Damaged(TagName(tag) + " is " + std::to_string(size) + " bytes, not a list of at most " +
                   std::to_string(count_max) + " ids");
  }
  return field->bytes;
}

Status SmallObjectReader::CopyText(const FieldView& field, size_t size_max,
                                   std::string* text) const {
  if (field.bytes.size() > size_max) {
    return Damaged(TagName(field.tag) + " is " + std::to_string(field.bytes.size()) +
                   " bytes, at most " + std::to_string(size_max) + " allowed");
  }
  *text = AsText(field.bytes);
  if (text->find('\0') != std::string::npos) return Damaged(TagName(field.tag) + " holds a NUL");
  return {};
}

Result<ByteSpan> SmallObjectReader::GetSpan(uint16_t tag) const {
  const FieldView* field = Find(tag);
  if (field == nullptr) return Damaged(TagName(tag) + " is missing");
  return field->bytes;
}

Result<bool> SmallObjectReader::FindText(uint16_t tag, size_t size_max, std::string* text) const {
  const FieldView* field = Find(tag);
  if (field == nullptr) return false;
  VARVE_RETURN_IF_ERROR(CopyText(*field, size_max, text));
  return true;
}

Status SmallObjectReader::GetText(uint16_t tag, size_t size_max, std::string* text) const {
  VARVE_ASSIGN_OR_RETURN(const bool found, FindText(tag, size_max, text));
  return found ? Status() : Missing(tag);
}

Result<std::vector<std::string>> SmallObjectReader::Texts(uint16_t tag, size_t size_max,
                                                          size_t count_max) const {
  VARVE_ASSIGN_OR_RETURN(const std::vector<ByteSpan> spans, Spans(tag, count_max));
  std::vector<std::string> texts;
  for (const ByteSpan span : spans) {
    VARVE_RETURN_IF_ERROR(CopyText({tag, span}, size_max, &texts.emplace_back()));
  }
  return texts;
}

Result<std::vector<ByteSpan>> SmallObjectReader::Spans(uint16_t tag, size_t count_max) const {
  std::vector<ByteSpan> spans;
  for (const FieldView& field : fields_) {
    if (field.tag != tag) continue;
    if (spans.size() == count_max) {
      return Damaged(TagName(tag) + " repeats more than " + std::to_string(count_max) + " times");
    }
    spans.push_back(field.bytes);
  }
  return spans;
}

Status SmallObjectReader::CheckTags(std::initializer_list<uint16_t> known,
                                    uint16_t repeated) const {
  for (size_t i = 0; i < fields_.size(); ++i) {
    const uint16_t tag = fields_[i].tag;
    const bool is_known = std::find(known.begin(), known.end(), tag) != known.end();
    if (!is_known && (tag & kCriticalTag) != 0) {
      return Unsupported(name_ + ": critical " + TagName(tag) + " is not known to this program");
    }
    if (is_known && tag != repeated && i > 0 && fields_[i - 1].tag == tag) {
      return Damaged(TagName(tag) + " comes twice");
    }
  }
  return {};
}

}  // namespace varve
