#include "format/session_record.h"

#include <gtest/gtest.h>

#include "format/mutations.h"
#include "format/raw_object.h"
#include "format/sample_objects.h"

namespace varve {
namespace {

const RepositoryId kRepository = CountingId<RepositoryId>(1);

Result<SessionRecord> Decode(ByteSpan object) {
  return DecodeSessionRecord("session", object, kRepository, SampleSession().id);
}

TEST(SessionRecord, ComesBackAsWritten) {
  SessionRecord session = SampleSession();
  for (const bool pinned : {true, false}) {
    if (!pinned) session.pins.clear();
    const Result<SessionRecord> decoded = Decode(EncodeSessionRecord(session, kRepository));
    ASSERT_TRUE(decoded.ok()) << decoded.status().message();
    EXPECT_EQ(decoded->id, session.id);
    EXPECT_EQ(decoded->fencing_token, session.fencing_token);
    EXPECT_EQ(decoded->process_id, session.process_id);
    EXPECT_EQ(decoded->host, session.host);
    EXPECT_EQ(decoded->start_unix_ns, session.start_unix_ns);
    EXPECT_EQ(decoded->purpose, session.purpose);
    EXPECT_EQ(decoded->pins, session.pins);
    EXPECT_EQ(decoded->role, session.role);
  }
}

TEST(SessionRecord, EveryFlippedBitAndEveryTruncationIsRefused) {
  EXPECT_EQ(FindAcceptedMutation(EncodeSessionRecord(SampleSession(), kRepository),
                                 [](ByteSpan bytes) { return Decode(bytes).status(); }),
            "");
}

TEST(SessionRecord, SessionsOfOtherRepositoriesAndOtherNamesAreRefused) {
  const Bytes object = EncodeSessionRecord(SampleSession(), CountingId<RepositoryId>(2));
  EXPECT_EQ(Decode(object).status().code(), Code::kCorruption);
  SessionRecord other = SampleSession();
  other.id = CountingId<SessionId>(3);
  EXPECT_EQ(Decode(EncodeSessionRecord(other, kRepository)).status().code(), Code::kCorruption);
}

TEST(SessionRecord, EveryFieldButThePinIsNeeded) {
  const Bytes object = EncodeSessionRecord(SampleSession(), kRepository);
  for (const RawField& field : FieldsOf(object)) {
    EXPECT_EQ(Decode(WithoutField(object, field.tag)).ok(), field.tag == 6) << field.tag;
  }
}

TEST(SessionRecord, ASnapshotRecordIsNoSession) {
  SnapshotRecord record = SampleSnapshotRecord();
  record.id = SnapshotId{SampleSession().id.bytes};
  EXPECT_EQ(Decode(EncodeSnapshotRecord(record, kRepository)).status().code(), Code::kCorruption);
}

}  // namespace
}  // namespace varve
