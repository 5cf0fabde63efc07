#include "format/damage_record.h"

#include "base/limits.h"
#include "format/small_object.h"

namespace varve {
namespace {

constexpr uint16_t kFound = 0x0001;
constexpr uint16_t kWhat = 0x0002;
constexpr uint16_t kPack = 0x8003;
constexpr uint16_t kOffsets = 0x8004;
constexpr size_t kWhatMax = 4096;

Status DecodeOffsets(const SmallObjectReader& reader, DamageRecord* record) {
  VARVE_ASSIGN_OR_RETURN(const ByteSpan bytes, reader.GetSpan(kOffsets));
  if (bytes.size() % 8 != 0 || bytes.size() / 8 > kDamagedFramesMax) {
    return reader.Damaged("a list of offsets of " + std::to_string(bytes.size()) + " bytes");
  }
  for (size_t i = 0; i < bytes.size(); i += 8) {
    const auto offset = LoadLe<uint64_t>(bytes.data() + i);
    const bool ascends = record->offsets.empty() || offset > record->offsets.back();
    if (offset >= kPackSizeMax || !ascends) {
      return reader.Damaged("offset " + std::to_string(offset) + " in the list of frames");
    }
    record->offsets.push_back(offset);
  }
  return {};
}

}  // namespace

Bytes EncodeDamageRecord(const DamageRecord& record, const RepositoryId& repository) {
  VARVE_CHECK(record.offsets.size() <= kDamagedFramesMax);
  SmallObjectWriter writer;
  writer.Number(kFound, record.found_unix_ns);
  writer.Text(kWhat, record.what.substr(0, kWhatMax));
  writer.Field(kPack, record.pack.bytes);
  Bytes offsets;
  for (const uint64_t offset : record.offsets)
    AppendLe(offsets, offset);
  writer.Field(kOffsets, offsets);
  return writer.Finish(ObjectKind::kDamage, repository, record.id.bytes);
}

Result<DamageRecord> DecodeDamageRecord(const std::string& name, ByteSpan object,
                                        const RepositoryId& repository, const DamageId& id) {
  VARVE_ASSIGN_OR_RETURN(const SmallObjectReader reader,
                         SmallObjectReader::Open(name, object, ObjectKind::kDamage));
  VARVE_RETURN_IF_ERROR(reader.CheckTags({kFound, kWhat, kPack, kOffsets}));
  if (reader.repository() != repository) return reader.Damaged("belongs to another repository");
  DamageRecord record;
  record.id = DamageId{reader.id()};
  if (record.id != id) return reader.Damaged("holds the record of damage " + record.id.Hex());
  VARVE_RETURN_IF_ERROR(reader.GetNumber(kFound, &record.found_unix_ns));
  VARVE_RETURN_IF_ERROR(reader.GetText(kWhat, kWhatMax, &record.what));
  VARVE_RETURN_IF_ERROR(reader.GetBytes(kPack, record.pack.bytes));
  VARVE_RETURN_IF_ERROR(DecodeOffsets(reader, &record));
  return record;
}

}  // namespace varve
