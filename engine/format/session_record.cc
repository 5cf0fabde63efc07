#include "format/session_record.h"

#include "base/limits.h"
#include "format/small_object.h"

namespace varve {
namespace {
constexpr uint16_t kToken = 0x0001;
constexpr uint16_t kProcess = 0x0002;
constexpr uint16_t kHost = 0x0003;
constexpr uint16_t kStart = 0x0004;
constexpr uint16_t kPurpose = 0x0005;
constexpr uint16_t kPins = 0x0006;
constexpr uint16_t kRole = 0x0007;
}  // namespace

Bytes EncodeSessionRecord(const SessionRecord& record, const RepositoryId& repository) {
  SmallObjectWriter writer;
  writer.Number(kToken, record.fencing_token);
  writer.Number(kProcess, record.process_id);
  writer.Text(kHost, record.host);
  writer.Number(kStart, record.start_unix_ns);
  writer.Text(kPurpose, record.purpose);
  if (!record.pins.empty()) writer.Ids(kPins, record.pins);
  if (record.role != SessionRole::kWriter) writer.Number(kRole, static_cast<uint8_t>(record.role));
  return writer.Finish(ObjectKind::kSession, repository, record.id.bytes);
}

Result<SessionRecord> DecodeSessionRecord(const std::string& name, ByteSpan object,
                                          const RepositoryId& repository, const SessionId& id) {
  VARVE_ASSIGN_OR_RETURN(const SmallObjectReader reader,
                         SmallObjectReader::Open(name, object, ObjectKind::kSession));
  VARVE_RETURN_IF_ERROR(
      reader.CheckTags({kToken, kProcess, kHost, kStart, kPurpose, kPins, kRole}));
  if (reader.repository() != repository) return reader.Damaged("belongs to another repository");
  SessionRecord record;
  record.id = SessionId{reader.id()};
  if (record.id != id) return reader.Damaged("holds the record of session " + record.id.Hex());
  VARVE_RETURN_IF_ERROR(reader.GetNumber(kToken, &record.fencing_token));
  VARVE_RETURN_IF_ERROR(reader.GetNumber(kProcess, &record.process_id));
  VARVE_RETURN_IF_ERROR(reader.GetText(kHost, kNameBytesMax, &record.host));
  VARVE_RETURN_IF_ERROR(reader.GetNumber(kStart, &record.start_unix_ns));
  VARVE_RETURN_IF_ERROR(reader.GetText(kPurpose, kNameBytesMax, &record.purpose));
  VARVE_RETURN_IF_ERROR(reader.FindIds(kPins, kPinsMax, &record.pins));
  uint8_t role = static_cast<uint8_t>(SessionRole::kWriter);
  VARVE_RETURN_IF_ERROR(reader.FindBytes(kRole, {&role, 1}).status());
  if (role != 1 && role != 2) return reader.Damaged("role " + std::to_string(role));
  record.role = static_cast<SessionRole>(role);
  return record;
}

}  // namespace varve
