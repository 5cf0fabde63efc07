"""What the machine can do at best, measured beside the engines in the same run."""

import json
import os
import subprocess

from bench_step import StepFailed, run
from measured_command import drop_caches

WRITE_BYTES = 2 << 30


def fio(*arguments):
    report = json.loads(run("fio", "--output-format=json", "--ioengine=libaio", "--direct=1",
                            "--bs=1M", "--iodepth=16", *arguments))
    return report["jobs"][0]


def rate(side):
    seconds = side["runtime"] / 1000
    return {"seconds": seconds, "bytes": side["io_bytes"],
            "bytes_per_second": side["io_bytes"] / max(seconds, 0.001)}


def sequential_read(volume):
    """Reads the whole file past the page cache: its holes too, as a full scan would."""
    drop_caches()
    return rate(fio("--name=read", "--rw=read", "--readonly", f"--filename={volume}")["read"])


def sequential_write(work_dir):
    """Writes incompressible bytes past the page cache, until they are on the disk."""
    path = os.path.join(work_dir, "write.fio")
    try:
        return rate(fio("--name=write", "--rw=write", f"--filename={path}", "--end_fsync=1",
                        f"--size={WRITE_BYTES}", "--fallocate=none", "--refill_buffers")["write"])
    finally:
        if os.path.exists(path):
            os.remove(path)


def in_memory(binary, name_filter):
    """Rates of the micro benchmarks whose names match: the limits without any disk."""
    done = subprocess.run([binary, "--benchmark_format=json",
                           f"--benchmark_filter={name_filter}"], text=True, capture_output=True)
    try:
        rows = json.loads(done.stdout)["benchmarks"]
    except (ValueError, KeyError):
        raise StepFailed(f"{binary}: no Google Benchmark results for {name_filter!r}: "
                         f"{done.stderr[-500:].strip()}") from None
    return {row["name"]: row["bytes_per_second"] for row in rows if "bytes_per_second" in row}
