"""What every step of the benchmark relies on: commands that fail loudly, signals that unwind the
stack, one run at a time in a directory."""

import fcntl
import os
import shutil
import signal
import subprocess
from contextlib import contextmanager


class StepFailed(Exception):
    """Something that the benchmark depends on did not do its work. The message says what."""


def run(*command, **options):
    """Runs a command and returns its output; a failure carries the command and its stderr."""
    done = subprocess.run(command, text=True, capture_output=True, **options)
    if done.returncode != 0:
        said = (done.stderr or done.stdout or "").strip()
        raise StepFailed(f"{' '.join(command)}: exit {done.returncode}: {said}")
    return done.stdout


def require_tools(tools):
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        raise StepFailed(f"not installed: {', '.join(missing)}")


def require_root(reason):
    if os.geteuid() != 0:
        raise StepFailed(f"must run as root: {reason}")


def unwind_on_signals():
    """A signal becomes an exception: what unmounts, stops servers and deletes is in `finally`."""
    def leave(number, frame):
        raise SystemExit(128 + number)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


@contextmanager
def sole_user(directory):
    """Refuses a second run in the same directory, whose clean-up would end the first one."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise StepFailed(f"{directory}: another run is using it") from None
    finally:
        os.close(descriptor)
