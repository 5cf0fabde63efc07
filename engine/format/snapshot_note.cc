#include "format/snapshot_note.h"

#include "base/limits.h"

namespace varve {
namespace {
constexpr uint16_t kTime = 0x0001;
constexpr uint16_t kReason = 0x0002;
}  // namespace

Bytes EncodeSnapshotNote(ObjectKind kind, const SnapshotNote& note,
                         const RepositoryId& repository) {
  SmallObjectWriter writer;
  writer.Number(kTime, note.time_unix_ns);
  writer.Text(kReason, note.reason);
  return writer.Finish(kind, repository, note.snapshot.bytes);
}

Result<SnapshotNote> DecodeSnapshotNote(ObjectKind kind, const std::string& name, ByteSpan object,
                                        const RepositoryId& repository, const SnapshotId& id) {
  VARVE_ASSIGN_OR_RETURN(const SmallObjectReader reader,
                         SmallObjectReader::Open(name, object, kind));
  VARVE_RETURN_IF_ERROR(reader.CheckTags({kTime, kReason}));
  if (reader.repository() != repository) return reader.Damaged("belongs to another repository");
  SnapshotNote note;
  note.snapshot = SnapshotId{reader.id()};
  if (note.snapshot != id) return reader.Damaged("speaks of snapshot " + note.snapshot.Hex());
  VARVE_RETURN_IF_ERROR(reader.GetNumber(kTime, &note.time_unix_ns));
  VARVE_RETURN_IF_ERROR(reader.GetText(kReason, kNameBytesMax, &note.reason));
  return note;
}

}  // namespace varve
