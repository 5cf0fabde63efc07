"""The ratios that varve is held to, and how far a result meets them.

`must` targets decide the exit code of `run --must-show`; `goal` targets are what the design aims
at and are only shown.
"""

from dataclasses import dataclass

PEERS = ("restic", "borg")


@dataclass
class Verdict:
    """One target against one measured value. value is None when it was not measured."""
    kind: str
    what: str
    bound: str
    value: float | None
    met: bool | None


def cost(results, engine, step, field):
    return results.get(engine, {}).get(step, {}).get(field)


def best_peer(results, step, field):
    """(name, value) of the peer that needed least, or (None, None)."""
    values = [(value, peer) for peer in PEERS
              if (value := cost(results, peer, step, field)) is not None]
    return (min(values)[1], min(values)[0]) if values else (None, None)


def ratio_to_best(results, step, field):
    """varve's figure divided by the best peer's: below 1 is better than both."""
    mine, (_, theirs) = cost(results, "varve", step, field), best_peer(results, step, field)
    return mine / theirs if mine is not None and theirs else None


def ratio_to(results, peer, step, field):
    mine, theirs = cost(results, "varve", step, field), cost(results, peer, step, field)
    return mine / theirs if mine is not None and theirs else None


def at_most(kind, what, bound, value):
    return Verdict(kind, what, f"≤ {bound:.3g}", value, None if value is None else value <= bound)


def at_least(kind, what, bound, value):
    return Verdict(kind, what, f"≥ {bound:.3g}", value, None if value is None else value >= bound)


def must_verdicts(results):
    return [
        at_most("must", "first snapshot: wall / faster peer", 1 / 4,
                ratio_to_best(results, "first", "seconds")),
        at_most("must", "first snapshot: stored / smaller peer", 1.05,
                ratio_to_best(results, "first", "stored_bytes")),
        at_most("must", "increment: wall / restic", 1 / 8,
                ratio_to(results, "restic", "increment", "seconds")),
        at_most("must", "increment: stored / restic", 1 / 5,
                ratio_to(results, "restic", "increment", "stored_bytes")),
    ]


def goal_verdicts(results, limits):
    scan = cost(results, "varve", "unchanged", "seconds")
    scan_cpu = cost(results, "varve", "unchanged", "cpu_seconds")
    read_seconds = limits.get("read", {}).get("seconds")
    return [
        at_most("goal", "first snapshot: wall / faster peer", 1 / 5,
                ratio_to_best(results, "first", "seconds")),
        at_most("goal", "increment: wall / faster peer", 1 / 10,
                ratio_to_best(results, "increment", "seconds")),
        at_most("goal", "increment: stored / smaller peer", 1 / 5,
                ratio_to_best(results, "increment", "stored_bytes")),
        at_least("goal", "unchanged: share of fio's sequential read", 0.95,
                 read_seconds / scan if scan and read_seconds else None),
        at_most("goal", "unchanged: cores used", 0.4, scan_cpu / scan if scan else None),
        at_most("goal", "restore: wall / faster peer", 1 / 5,
                ratio_to_best(results, "restore", "seconds")),
        at_least("goal", "restore: share of fio's sequential write", 0.8,
                 restore_share(results, limits)),
        at_most("goal", "peak memory of any step, MiB", 256, peak_mib(results)),
    ]


def restore_share(results, limits):
    """The volume's data at the disk's pace, divided by what the restore took."""
    seconds = cost(results, "varve", "restore", "seconds")
    if not seconds or "write" not in limits or not limits.get("data_bytes"):
        return None
    return limits["data_bytes"] / limits["write"]["bytes_per_second"] / seconds


def peak_mib(results):
    peaks = [step["peak_rss_bytes"] for step in results.get("varve", {}).values()]
    return max(peaks) / (1 << 20) if peaks else None


def missed(verdicts):
    """The targets that are not known to be met: one that could not be measured is missed too."""
    return [verdict for verdict in verdicts if verdict.kind == "must" and not verdict.met]
