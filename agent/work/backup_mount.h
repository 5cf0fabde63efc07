// A backup as a file, served by a process of its own (`varve mount`), and how it is taken away
// again, also at the next start.
//
// Thread-safe: functions; one mount per name at a time.
#pragma once

#include <string>

#include "agent/work/work_plant.h"

namespace varve::agent {

// Facts of mounts in the state, by name.
inline constexpr const char* kMountFact = "mount";

// Mounts the backup's snapshot below the state directory; the path of the volume's file.
// AlreadyExists if there is a mount of that name. `writable`: copy-on-write, what is written goes
// with the mount.
Result<std::string> OpenBackupMount(const WorkPlant& plant, const std::string& name,
                                    const Backup& backup, bool writable);
// NotFound if there is none of that name; Busy while files of it are open.
Status CloseBackupMount(const WorkPlant& plant, const std::string& name);
// Where a mount of that name is.
std::string BackupMountpoint(const WorkPlant& plant, const std::string& name);

}  // namespace varve::agent
