#include "format/condemned_record.h"

#include <algorithm>

#include "base/limits.h"
#include "format/small_object.h"

namespace varve {
namespace {
constexpr uint16_t kTime = 0x0001;
constexpr uint16_t kPacks = 0x0002;
constexpr uint16_t kBlockers = 0x0003;

template <typename Id>
bool StrictlyAscends(const std::vector<Id>& ids) {
  return std::adjacent_find(ids.begin(), ids.end(),
                            [](const Id& a, const Id& b) { return a >= b; }) == ids.end();
}
}  // namespace

Bytes EncodeCondemnedRecord(const CondemnedRecord& record, const RepositoryId& repository) {
  SmallObjectWriter writer;
  writer.Number(kTime, record.time_unix_ns);
  writer.Ids(kPacks, record.packs);
  writer.Ids(kBlockers, record.blockers);
  return writer.Finish(ObjectKind::kCondemned, repository, record.id.bytes);
}

Result<CondemnedRecord> DecodeCondemnedRecord(const std::string& name, ByteSpan object,
                                              const RepositoryId& repository,
                                              const CondemnedId& id) {
  VARVE_ASSIGN_OR_RETURN(const SmallObjectReader reader,
                         SmallObjectReader::Open(name, object, ObjectKind::kCondemned));
  VARVE_RETURN_IF_ERROR(reader.CheckTags({kTime, kPacks, kBlockers}));
  if (reader.repository() != repository) return reader.Damaged("belongs to another repository");
  CondemnedRecord record;
  record.id = CondemnedId{reader.id()};
  if (record.id != id) return reader.Damaged("holds group " + record.id.Hex());
  VARVE_RETURN_IF_ERROR(reader.GetNumber(kTime, &record.time_unix_ns));
  VARVE_RETURN_IF_ERROR(reader.GetIds(kPacks, kCondemnedPacksMax, &record.packs));
  VARVE_RETURN_IF_ERROR(reader.GetIds(kBlockers, kSessionsMax, &record.blockers));
  if (record.packs.empty()) return reader.Damaged("condemns no pack");
  if (!StrictlyAscends(record.packs)) return reader.Damaged("packs do not ascend");
  if (!StrictlyAscends(record.blockers)) return reader.Damaged("sessions do not ascend");
  return record;
}

}  // namespace varve
