// Snapshots of thinly provisioned logical volumes, by LVM's own commands.
//
// The contract is the commands' arguments and output, and that is what tests pin, with stand-ins in
// PATH: there is no machine with device-mapper among those that run our tests, so this has not yet
// met a real volume group.
#pragma once

#include <string>

#include "base/status.h"

namespace varve::agent {

// A logical volume as LVM names it.
struct LogicalVolume {
  std::string group;
  std::string name;
};

// The thin volume behind a device. Unsupported if it is none, or if there is no lvs(8).
Result<LogicalVolume> FindThinVolume(const std::string& device);
// Makes and activates a read-only snapshot called `name` of it; the device to read.
Result<std::string> CreateThinSnapshot(const LogicalVolume& volume, const std::string& name);
// OK also if it is gone.
Status RemoveThinSnapshot(const LogicalVolume& snapshot);

}  // namespace varve::agent
