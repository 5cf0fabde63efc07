// One byte in each kind of object and of each part of a pack, to be damaged.
#pragma once

#include <string>
#include <vector>

#include "heal/repair_rig.h"
#include "store/pack_reader.h"

namespace varve {

struct DamageSpot {
  std::string kind;    // for messages
  std::string path;    // of the file
  uint64_t byte = 0;   // in it
  std::string object;  // what a finding must name
  // The frame that is damaged, if one is.
  ContentId frame;
  bool is_stored_bytes = false;
};

inline void AddPackSpots(SimulatedMachine& machine, const std::string& path,
                         const std::string& content, std::vector<DamageSpot>* spots) {
  const auto repository = MustOpen(machine, OpenMode::kRead);
  PackId pack;
  ASSERT_TRUE(PackId::Parse(path.substr(path.rfind('/') + 1), &pack));
  const auto frames = ReadPackFrames(repository->storage(), pack, repository->config().id);
  ASSERT_TRUE(IsOk(frames));
  const uint64_t size = machine.disk().Content(path).size();
  const PlacedFrame& first = frames->front();
  const PlacedFrame& last = frames->back();
  const std::string object = "pack " + pack.Hex();
  const auto add = [&](const std::string& kind, uint64_t byte, const PlacedFrame* frame,
                       bool stored) {
    spots->push_back({kind + " of a pack of " + content, path, byte, object,
                      frame == nullptr ? ContentId{} : frame->info.id, stored});
  };
  add("the header", 40, nullptr, false);
  add("a frame's header", first.offset + 20, &first, false);
  add("the stored bytes", first.offset + first.info.HeaderBytes() + 1, &first, true);
  add("the last stored bytes", last.offset + last.info.FrameBytes() - 1, &last, true);
  add("the footer", last.offset + last.info.FrameBytes() + 15, nullptr, false);
  add("the trailer", size - 20, nullptr, false);
}

inline std::vector<DamageSpot> FindSpots(SimulatedMachine& machine) {
  std::vector<DamageSpot> spots = {{"the configuration", "config", 100, "config", {}},
                                   {"its copy", "config.copy", 100, "config.copy", {}}};
  for (const std::string& path : machine.disk().AllFiles()) {
    if (path.starts_with("snapshots/")) {
      spots.push_back({"a snapshot record's header", path, 33, path, {}});
      spots.push_back({"a snapshot record's payload", path, 90, path, {}});
    }
  }
  for (const std::string& path : machine.disk().AllFiles()) {
    if (!path.starts_with("quotas/")) continue;
    spots.push_back({"the header of a table of quotas", path, 33, path, {}});
    spots.push_back({"the payload of a table of quotas", path, 90, path, {}});
  }
  for (const std::string& path : machine.Packs(PackContent::kChunks)) {
    AddPackSpots(machine, path, "chunks", &spots);
  }
  for (const std::string& path : machine.Packs(PackContent::kNodes)) {
    AddPackSpots(machine, path, "nodes", &spots);
  }
  return spots;
}

inline void Damage(SimulatedMachine& machine, const DamageSpot& spot) {
  Bytes content = machine.disk().Content(spot.path);
  ASSERT_LT(spot.byte, content.size());
  content[spot.byte] ^= 0x5a;
  machine.disk().SetContent(spot.path, std::move(content));
}

}  // namespace varve
