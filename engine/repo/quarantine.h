// Where damaged objects go instead of being deleted: `quarantine/`, each with a file beside it that
// says what it was and why (FORMAT.md, "Damage").
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "io/storage.h"

namespace varve {

inline constexpr const char* kQuarantineDirectory = "quarantine";

// Moves the object at `path` there, durably; its reason is durable before. What replaces the object
// must be durable already, unless nothing does. Returns the new path. After a failure or a crash
// the object has its old name or its new one.
Result<std::string> MoveToQuarantine(Storage& storage, const std::string& path,
                                     const std::string& why, int64_t now_unix_ns);

// Puts `bytes` in the place of the object at `path`, which need not exist and is quarantined if it
// does. Durable step by step: the new object waits in quarantine/ as `<name>.new`, the old one
// moves there, the new one takes its place. Whatever a crash leaves, FinishReplacements ends it.
Status ReplaceObject(Storage& storage, const std::string& path, ByteSpan bytes,
                     const std::string& why, int64_t now_unix_ns);

// Objects that an interrupted ReplaceObject left waiting while nothing is in their place: their
// paths.
Result<std::vector<std::string>> WaitingReplacements(Storage& storage);
// Gives them their place. Returns their paths.
Result<std::vector<std::string>> FinishReplacements(Storage& storage);

}  // namespace varve
