// Names and ids of what the agent keeps. Pure functions but for NewRecordId().
#pragma once

#include <string>

#include "base/random.h"
#include "base/status.h"

namespace varve::agent {

// ^[a-z0-9][a-z0-9._-]{0,62}$: ids that people choose (addons, repositories). InvalidArgument names
// the field and the value.
Status CheckChosenId(const std::string& field, const std::string& id);
// 3 to 39 characters, letters, digits, blanks and ._- inside: names of backups.
Status CheckBackupName(const std::string& name);

// 26 characters of [a-z2-7] from 128 random bits: ids of backups, restores, schedules, jobs.
std::string NewRecordId(Random& random);
// What NewRecordId() could have made.
bool IsRecordId(const std::string& id);

}  // namespace varve::agent
