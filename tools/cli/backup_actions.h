// The actions of `varve backup`, by what they are about; each list has a file of its own.
#pragma once

#include <vector>

#include "verb.h"

namespace varve::cli {

std::vector<const Verb*> BackupKeepingActions();  // retain, release, hold, unhold, delete
std::vector<const Verb*> BackupRestoreActions();  // restore, restores, abort-restore
std::vector<const Verb*> BackupInsideActions();   // logs, verify, mount, umount, diff

}  // namespace varve::cli
