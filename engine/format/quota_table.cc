#include "format/quota_table.h"

#include <algorithm>

#include "base/limits.h"
#include "format/small_object.h"

namespace varve {
namespace {

constexpr uint16_t kTime = 0x0001;
constexpr uint16_t kSequence = 0x0002;
constexpr uint16_t kVolume = 0x8003;
constexpr size_t kNumbersBytes = 24;
static_assert(kQuotasMax * (kNumbersBytes + kNameBytesMax + 8) < kSmallObjectMax - 4096);

Status DecodeVolume(const SmallObjectReader& reader, ByteSpan field, VolumeQuota* quota) {
  if (field.size() <= kNumbersBytes || field.size() > kNumbersBytes + kNameBytesMax) {
    return reader.Damaged("a quota of " + std::to_string(field.size()) + " bytes");
  }
  quota->bytes_max = LoadLe<uint64_t>(field.data());
  quota->measured_bytes = LoadLe<uint64_t>(field.data() + 8);
  quota->measured_sequence = LoadLe<uint64_t>(field.data() + 16);
  quota->volume_name = AsText(field.subspan(kNumbersBytes));
  if (quota->volume_name.find('\0') == std::string::npos) return {};
  return reader.Damaged("the name of a volume holds a NUL");
}

}  // namespace

Bytes EncodeQuotaTable(const QuotaTable& table, const RepositoryId& repository) {
  SmallObjectWriter writer;
  writer.Number(kTime, table.time_unix_ns);
  writer.Number(kSequence, table.sequence);
  for (const VolumeQuota& quota : table.volumes) {
    Bytes field;
    AppendLe(field, quota.bytes_max);
    AppendLe(field, quota.measured_bytes);
    AppendLe(field, quota.measured_sequence);
    AppendBytes(field, AsBytes(quota.volume_name));
    writer.Field(kVolume, field);
  }
  return writer.Finish(ObjectKind::kQuotas, repository, table.id.bytes);
}

Result<QuotaTable> DecodeQuotaTable(const std::string& name, ByteSpan object,
                                    const RepositoryId& repository, const QuotaTableId& id) {
  VARVE_ASSIGN_OR_RETURN(const SmallObjectReader reader,
                         SmallObjectReader::Open(name, object, ObjectKind::kQuotas));
  VARVE_RETURN_IF_ERROR(reader.CheckTags({kTime, kSequence, kVolume}, kVolume));
  if (reader.repository() != repository) return reader.Damaged("belongs to another repository");
  QuotaTable table;
  table.id = QuotaTableId{reader.id()};
  if (table.id != id) return reader.Damaged("holds the quotas " + table.id.Hex());
  VARVE_RETURN_IF_ERROR(reader.GetNumber(kTime, &table.time_unix_ns));
  VARVE_RETURN_IF_ERROR(reader.GetNumber(kSequence, &table.sequence));
  if (table.sequence == 0) return reader.Damaged("sequence 0");
  VARVE_ASSIGN_OR_RETURN(const std::vector<ByteSpan> fields, reader.Spans(kVolume, kQuotasMax));
  for (const ByteSpan field : fields) {
    VARVE_RETURN_IF_ERROR(DecodeVolume(reader, field, &table.volumes.emplace_back()));
  }
  const auto out_of_order = [](const VolumeQuota& a, const VolumeQuota& b) {
    return a.volume_name >= b.volume_name;
  };
  if (std::adjacent_find(table.volumes.begin(), table.volumes.end(), out_of_order) !=
      table.volumes.end()) {
    return reader.Damaged("names of volumes do not ascend");
  }
  return table;
}

}  // namespace varve
