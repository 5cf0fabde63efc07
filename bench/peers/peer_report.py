"""The results as Markdown and JSON."""

import json
import os

from peer_targets import PEERS, ratio_to, ratio_to_best

STEP_TITLES = {"first": "first snapshot of s0", "increment": "increment to s1",
               "unchanged": "s1 again, nothing changed", "restore": "full restore of s1"}


def megabytes(count):
    return f"{count / 1e6:,.1f}" if count < 10e6 else f"{count / 1e6:,.0f}"


def ratio(value):
    return "–" if value is None else f"{value:.3f}"


def row(*cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def table(header, rows):
    return "\n".join([row(*header), row(*["---"] * len(header)), *(row(*cells) for cells in rows)])


def cost_rows(results, steps):
    for step in steps:
        for engine, by_step in results.items():
            if step not in by_step:
                continue
            cost = by_step[step]
            stored = "–" if step == "restore" else megabytes(cost["stored_bytes"])
            yield (STEP_TITLES[step], engine, f"{cost['seconds']:.2f}",
                   f"{cost['command_seconds']:.2f}", f"{cost['cpu_seconds']:.2f}",
                   f"{cost['peak_rss_bytes'] / (1 << 20):,.0f}",
                   megabytes(cost["read_bytes"]), stored)


def cost_table(results, steps):
    return table(("step", "engine", "wall s", "of it command s", "CPU s", "peak MiB", "read MB",
                  "stored MB"), cost_rows(results, steps))


def ratio_table(results, steps):
    rows = [(STEP_TITLES[step], ratio(ratio_to_best(results, step, "seconds")),
             *(ratio(ratio_to(results, peer, step, "seconds")) for peer in PEERS),
             ratio(ratio_to_best(results, step, "cpu_seconds")),
             "–" if step == "restore" else ratio(ratio_to_best(results, step, "stored_bytes")))
            for step in steps]
    return table(("step", "wall / best peer", *(f"wall / {peer}" for peer in PEERS),
                  "CPU / best peer", "stored / best peer"), rows)


def verdict_table(verdicts):
    answer = {True: "yes", False: "**no**", None: "not measured"}
    return table(("kind", "target", "bound", "measured", "met"),
                 [(one.kind, one.what, one.bound, ratio(one.value), answer[one.met])
                  for one in verdicts])


def limit_lines(limits):
    lines = []
    for name, text in (("read", "fio sequential O_DIRECT read of s1"),
                       ("write", "fio sequential O_DIRECT write")):
        if name in limits:
            limit = limits[name]
            lines.append(f"- {text}: {limit['bytes_per_second'] / 1e9:.2f} GB/s "
                         f"({limit['bytes'] / 1e6:,.0f} MB in {limit['seconds']:.2f} s)")
    for name, rate in limits.get("memory", {}).items():
        lines.append(f"- in memory, {name}: {rate / 1e9:.2f} GB/s")
    return "\n".join(lines)


def volume_lines(volumes):
    if not volumes:
        return "- no volumes.json beside the images"
    data = ", ".join(f"s{number} {megabytes(count)} MB"
                     for number, count in enumerate(volumes["data_bytes"][:2]))
    return (f"- {volumes['size_bytes'] / (1 << 30):.3g} GiB ext4 with PostgreSQL 15 inside; "
            f"data: {data}\n"
            f"- changed from s0 to s1: {volumes['changed_chunks'][0]:,} of {volumes['chunks']:,} "
            f"chunks of 64 KiB")


def markdown(report, verdicts):
    machine = report["machine"]
    parts = [
        "# varve, restic and borg on one PostgreSQL volume",
        f"{report['date']} · {machine['cpu']}, {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB, Linux {machine['kernel']}, {machine['file_system']} · "
        f"commit {report['commit']} · "
        f"{report['repeats']} run(s), medians · load average at the start {machine['load']}",
        "## Volume", volume_lines(report["volumes"]),
        "## Cost", cost_table(report["results"], report["steps"]),
        "Wall is until the output is on the disk; caches are cold before every step."]
    if "varve" in report["results"]:
        parts += ["## varve divided by its peers", ratio_table(report["results"], report["steps"]),
                  "## Targets", verdict_table(verdicts)]
    if report["limits"]:
        parts += ["## Limits of this machine", limit_lines(report["limits"])]
    parts += ["## Engines", "\n".join(
        f"- {name}: {one['version']}; {one['settings']}"
        for name, one in report["engines"].items())]
    return "\n\n".join(parts) + "\n"


def write_report(out_dir, name, report, verdicts):
    """Writes name.md and name.json, and returns the Markdown."""
    report = report | {"targets": [vars(verdict) for verdict in verdicts]}
    text = markdown(report, verdicts)
    with open(os.path.join(out_dir, name + ".md"), "w") as file:
        file.write(text)
    with open(os.path.join(out_dir, name + ".json"), "w") as file:
        json.dump(report, file, indent=2)
        file.write("\n")
    return text
