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
constexpr uint16_t kParent = 0x0006;
}  // namespace

Bytes EncodeSessionRecord(const SessionRecord& record, const RepositoryId& repository) {
  SmallObjectWriter writer;
  writer.Number(kToken, record.fencing_token);
  writer.Number(kProcess, record.process_id);
  writer.Text(kHost, record.host);
  writer.Number(kStart, record.start_unix_ns);
  writer.Text(kPurpose, record.purpose);
  if (record.parent) writer.Field(kParent, record.parent->bytes);
  return writer.Finish(ObjectKind::kSession, repository, record.id.bytes);
}

Result<SessionRecord> DecodeSessionRecord(const std::string& name, ByteSpan object,
                                          const RepositoryId& repository, const SessionId& id) {
  VARVE_ASSIGN_OR_RETURN(const SmallObjectReader reader,
                         SmallObjectReader::Open(name, object, ObjectKind::kSession));
  VARVE_RETURN_IF_ERROR(reader.CheckTags({kToken, kProcess, kHost, kStart, kPurpose, kParent}));
  if (reader.repository() != repository) return reader.Damaged("belongs to another repository");
  SessionRecord record;
  record.id = SessionId{reader.id()};
  if (record.id != id) return reader.Damaged("holds the record of session " + record.id.Hex());
  VARVE_RETURN_IF_ERROR(reader.GetNumber(kToken, &record.fencing_token));
  VARVE_RETURN_IF_ERROR(reader.GetNumber(kProcess, &record.process_id));
  VARVE_RETURN_IF_ERROR(reader.GetText(kHost, kNameBytesMax, &record.host));
  VARVE_RETURN_IF_ERROR(reader.GetNumber(kStart, &record.start_unix_ns));
  VARVE_RETURN_IF_ERROR(reader.GetText(kPurpose, kNameBytesMax, &record.purpose));
  SnapshotId parent;
  VARVE_ASSIGN_OR_RETURN(const bool pinned, reader.FindBytes(kParent, parent.bytes));
  if (pinned) record.parent = parent;
  return record;
}

}  // namespace varve
