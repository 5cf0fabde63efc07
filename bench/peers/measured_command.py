"""Runs one command alone and says what it cost."""

import os
import subprocess
import time
from dataclasses import asdict, dataclass

from bench_step import StepFailed, run


@dataclass
class Cost:
    """What one command took. `seconds` runs until its output is on the disk."""
    seconds: float
    command_seconds: float
    cpu_seconds: float
    peak_rss_bytes: int
    read_bytes: int
    stored_bytes: int = 0
    allocated_bytes: int = 0

    def as_dict(self):
        return {key: round(value, 3) if isinstance(value, float) else value
                for key, value in asdict(self).items()}


def drop_caches():
    """The next step reads from the disk whatever it reads: volume, repository, its own binary."""
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w") as file:
        file.write("3\n")


def bytes_read(pid):
    """Bytes the process caused to be read from storage, or None where the kernel does not say."""
    try:
        with open(f"/proc/{pid}/io") as file:
            return int(dict(line.split(": ") for line in file)["read_bytes"])
    except (OSError, KeyError, ValueError):
        return None


def wait_for(process):
    """(time of its end, resource usage, bytes read). /proc/<pid>/io lasts until it is reaped."""
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    ended = time.monotonic()
    read = bytes_read(process.pid)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return ended, usage, usage.ru_inblock * 512 if read is None else read


def measure(command, environment, work_dir, log_path, flush_path):
    """Runs the command cold and returns (cost, stdout). A failure shows the end of its stderr."""
    drop_caches()
    with open(log_path + ".out", "w+") as out, open(log_path + ".err", "w+") as err:
        start = time.monotonic()
        process = subprocess.Popen(command, env=environment, cwd=work_dir,
                                   stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        try:
            ended, usage, read = wait_for(process)
        except BaseException:
            process.kill()
            process.wait()
            raise
        # Not every engine syncs what it wrote; so the wait for the disk counts for all of them.
        run("sync", "--file-system", flush_path)
        flushed = time.monotonic()
        out.seek(0)
        err.seek(0)
        said = out.read()
        if process.returncode != 0:
            raise StepFailed(f"{' '.join(command)}: exit {process.returncode}:\n"
                             f"{(err.read() or said)[-2000:].strip()}")
    return Cost(seconds=flushed - start, command_seconds=ended - start,
                cpu_seconds=usage.ru_utime + usage.ru_stime,
                peak_rss_bytes=usage.ru_maxrss * 1024, read_bytes=read), said


def directory_bytes(path):
    """(sum of the files' sizes, sum of what the file system allocated for them)."""
    apparent = allocated = 0
    for folder, _, names in os.walk(path):
        for name in names:
            state = os.lstat(os.path.join(folder, name))
            apparent += state.st_size
            allocated += state.st_blocks * 512
    return apparent, allocated
