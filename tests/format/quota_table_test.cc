#include "format/quota_table.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "format/mutations.h"
#include "format/raw_object.h"
#include "format/sample_objects.h"

namespace varve {
namespace {

const RepositoryId kRepository = CountingId<RepositoryId>(1);

Result<QuotaTable> Decode(ByteSpan object) {
  return DecodeQuotaTable("quotas", object, kRepository, SampleQuotas().id);
}

TEST(QuotaTable, ComesBackAsWritten) {
  for (const bool empty : {false, true}) {
    QuotaTable table = SampleQuotas();
    if (empty) table.volumes.clear();
    const Result<QuotaTable> decoded = Decode(EncodeQuotaTable(table, kRepository));
    ASSERT_TRUE(decoded.ok()) << decoded.status().message();
    EXPECT_EQ(decoded->id, table.id);
    EXPECT_EQ(decoded->time_unix_ns, table.time_unix_ns);
    EXPECT_EQ(decoded->sequence, table.sequence);
    EXPECT_EQ(decoded->volumes, table.volumes);
  }
}

TEST(QuotaTable, EveryFlippedBitAndEveryTruncationIsRefused) {
  EXPECT_EQ(FindAcceptedMutation(EncodeQuotaTable(SampleQuotas(), kRepository),
                                 [](ByteSpan bytes) { return Decode(bytes).status(); }),
            "");
}

TEST(QuotaTable, HoldsAsManyVolumesAsAllowedAndNoMore) {
  QuotaTable table = SampleQuotas();
  table.volumes.clear();
  for (size_t i = 0; i < kQuotasMax; ++i) {
    std::string name = std::to_string(10'000 + i);
    name.resize(kNameBytesMax, 'x');
    table.volumes.push_back({name, i, i, i});
  }
  EXPECT_TRUE(Decode(EncodeQuotaTable(table, kRepository)).ok());
  table.volumes.push_back({"z", 1, 1, 1});
  EXPECT_EQ(Decode(EncodeQuotaTable(table, kRepository)).status().code(), Code::kCorruption);
}

}  // namespace
}  // namespace varve
