#include "format/damage_record.h"

#include <gtest/gtest.h>

#include "format/mutations.h"
#include "format/raw_object.h"
#include "format/sample_objects.h"
#include "format/scrub_state.h"

namespace varve {
namespace {

const RepositoryId kRepository = CountingId<RepositoryId>(1);

Result<DamageRecord> Decode(ByteSpan object) {
  return DecodeDamageRecord("damage", object, kRepository, SampleDamage().id);
}

TEST(DamageRecord, ComesBackAsWritten) {
  DamageRecord damage = SampleDamage();
  for (const bool frames : {true, false}) {
    if (!frames) damage.offsets.clear();
    const Result<DamageRecord> decoded = Decode(EncodeDamageRecord(damage, kRepository));
    ASSERT_TRUE(decoded.ok()) << decoded.status().message();
    EXPECT_EQ(decoded->id, damage.id);
    EXPECT_EQ(decoded->found_unix_ns, damage.found_unix_ns);
    EXPECT_EQ(decoded->pack, damage.pack);
    EXPECT_EQ(decoded->offsets, damage.offsets);
    EXPECT_EQ(decoded->what, damage.what);
  }
}

TEST(DamageRecord, EveryFlippedBitAndEveryTruncationIsRefused) {
  EXPECT_EQ(FindAcceptedMutation(EncodeDamageRecord(SampleDamage(), kRepository),
                                 [](ByteSpan bytes) { return Decode(bytes).status(); }),
            "");
}

TEST(DamageRecord, EveryFieldIsNeeded) {
  const Bytes object = EncodeDamageRecord(SampleDamage(), kRepository);
  for (const RawField& field : FieldsOf(object)) {
    EXPECT_FALSE(Decode(WithoutField(object, field.tag)).ok()) << field.tag;
  }
}

TEST(DamageRecord, OffsetsPastTheLargestPackAreRefused) {
  DamageRecord damage = SampleDamage();
  damage.offsets = {uint64_t{256} << 20};
  EXPECT_EQ(Decode(EncodeDamageRecord(damage, kRepository)).status().code(), Code::kCorruption);
}

TEST(ScrubState, ComesBackAsWrittenAndNothingElseIsAccepted) {
  ScrubState state;
  state.pass = 9;
  state.packs[CountingId<PackId>(5)] = {9, 77};
  state.packs[CountingId<PackId>(60)] = {8, 1};
  const Bytes bytes = EncodeScrubState(state, kRepository);
  const auto decode = [](ByteSpan from) { return DecodeScrubState("scrub", from, kRepository); };
  const Result<ScrubState> decoded = decode(bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status().message();
  EXPECT_EQ(*decoded, state);
  EXPECT_EQ(FindAcceptedMutation(bytes, [&](ByteSpan from) { return decode(from).status(); }), "");
  EXPECT_FALSE(DecodeScrubState("scrub", bytes, CountingId<RepositoryId>(2)).ok());
}

}  // namespace
}  // namespace varve
