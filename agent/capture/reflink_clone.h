// A second file that shares all blocks of a first: made by the file system at once, whatever the
// size, and free until one of them is written (XFS, btrfs).
#pragma once

#include <string>

#include "base/status.h"

namespace varve::agent {

// Makes `clone` (0600, must not exist, on the same file system) the content of `source` at one
// instant; dirty pages of the file are part of it. Unsupported, naming both, where the file system
// cannot; then there is no `clone`. Durable: not promised, a clone is for the life of a process.
Status CloneFile(const std::string& source, const std::string& clone);

// Where the clone of a volume's file is made: beside it, named so that nobody takes it for one.
std::string ClonePathOf(const std::string& volume_path, const std::string& id);

}  // namespace varve::agent
