// Room that is kept for the day on which the disk is full: a file of nothing, given up so that
// deletes and collections can write the little that they need, and made again afterwards.
//
// It is a thousandth of what the packs take, 1 MiB at least: a delete writes a small file per
// snapshot, a collection some lists and what the index takes to forget the packs that left, and
// what is rewritten has the room of what was unlinked before. Repositories of less than 16 MiB have
// none.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "io/storage.h"

namespace varve {

inline constexpr const char* kReservePath = "reserve";

// Makes it, or makes it larger, when there is plenty of room; `pack_bytes` is about what all packs
// take. Only while holding the commit lock or GC's. A failure to do so is no failure of anything.
void KeepReserve(Storage& storage, uint64_t pack_bytes);
// Gives it up if next to nothing is free. True if it did.
bool GiveUpReserveIfFull(Storage& storage);

}  // namespace varve
