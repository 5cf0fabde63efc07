#include "gc/live_set.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "sim/expect_status.h"

namespace varve {
namespace {

ContentId RandomId(std::mt19937_64& random) {
  ContentId id;
  for (uint8_t& byte : id.bytes)
    byte = static_cast<uint8_t>(random());
  return id;
}

TEST(LiveSet, JudgesAsAPlainMapDoesInMemoryAndSpilled) {
  for (const size_t memory : {size_t{64} << 20, size_t{4096}}) {
    std::mt19937_64 random(memory);
    LiveSet live(memory);
    std::map<ContentId, bool> referenced;
    std::vector<ContentId> ids;
    for (int i = 0; i < 20'000; ++i)
      ids.push_back(RandomId(random));
    for (const ContentId& id : ids) {
      if (random() % 3 == 0) continue;
      referenced[id] = true;
      const uint64_t times = 1 + random() % 3;
      for (uint64_t k = 0; k < times; ++k)
        ASSERT_TRUE(IsOk(live.AddReference(id)));
    }
    for (const ContentId& id : ids)
      ASSERT_TRUE(IsOk(live.AddFrame(id, false, false)));
    const auto judgement = live.Judge();
    ASSERT_TRUE(IsOk(judgement));
    for (size_t i = 0; i < ids.size(); ++i) {
      ASSERT_EQ(judgement->alive[i], referenced.count(ids[i]) != 0) << i;
      ASSERT_FALSE(judgement->copies[i]);
    }
  }
}

TEST(LiveSet, OfSeveralFramesTheOneThatOthersMayStandOnLives) {
  std::mt19937_64 random(1);
  const ContentId id = RandomId(random);
  LiveSet live;
  ASSERT_TRUE(IsOk(live.AddReference(id)));
  const std::pair<bool, bool> frames[] = {
      {true, true}, {false, true}, {true, false}, {false, false}, {false, false}};
  for (const auto& [condemned, delta] : frames) {
    ASSERT_TRUE(IsOk(live.AddFrame(id, condemned, delta)));
  }
  const auto judgement = live.Judge();
  ASSERT_TRUE(IsOk(judgement));
  EXPECT_EQ(judgement->alive, std::vector<bool>({false, false, false, true, false}));
  EXPECT_EQ(judgement->copies, std::vector<bool>({true, true, true, false, true}));
  live.ForgetFrames();
  ASSERT_TRUE(IsOk(live.AddFrame(id, false, true)));
  ASSERT_TRUE(IsOk(live.AddFrame(id, true, false)));
  const auto condemned_base = live.Judge();
  ASSERT_TRUE(IsOk(condemned_base));
  EXPECT_EQ(condemned_base->alive, std::vector<bool>({false, true}));
}

}  // namespace
}  // namespace varve
