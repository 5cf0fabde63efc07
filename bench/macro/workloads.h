// The workloads, each a function from an empty directory to findings. Each runs in a process of its
// own, so the peak memory is its own too.
#pragma once

#include "macro/workplace.h"

namespace varve {

struct Workload {
  const char* name;
  const char* what;
  void (*run)(const Workplace&, Findings*);
};

void RunFill(const Workplace& place, Findings* findings);
void RunUnchanged(const Workplace& place, Findings* findings);
void RunRandom(const Workplace& place, Findings* findings);
void RunSequential(const Workplace& place, Findings* findings);
void RunInPlace(const Workplace& place, Findings* findings);
void RunSparse(const Workplace& place, Findings* findings);
void RunAging(const Workplace& place, Findings* findings);
void RunRebuild(const Workplace& place, Findings* findings);

inline constexpr Workload kWorkloads[] = {
    {"fill", "a first snapshot of a full volume, and its restore", RunFill},
    {"unchanged", "a scan that finds nothing changed, beside a plain read", RunUnchanged},
    {"random", "an increment after 1 % of the pages changed at random", RunRandom},
    {"sequential", "an increment after 5 % of the volume was written in a row", RunSequential},
    {"in-place", "a restore over a volume of which 1 % of the chunks differ", RunInPlace},
    {"sparse", "4 TiB with 1 GiB of data in it", RunSparse},
    {"aging", "200 snapshots under random changes, then a restore of the last", RunAging},
    {"rebuild", "the index made anew from a million frames' footers", RunRebuild},
};

}  // namespace varve
