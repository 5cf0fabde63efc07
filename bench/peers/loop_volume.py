"""An ext4 image file on a loop device: make, mount, freeze, copy, and always clean up."""

import os
import subprocess
import time
import uuid
from contextlib import contextmanager

from bench_step import run


def make_ext4_image(image, size_bytes, seed):
    """Writes an empty ext4 file system. Its ids follow from the seed, so that two runs agree."""
    if os.path.exists(image):
        os.remove(image)
    with open(image, "wb") as file:
        file.truncate(size_bytes)
    fs_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"varve bench {seed}"))
    # Tables are initialised now: done lazily, the kernel would write them between s0 and s1.
    run("mkfs.ext4", "-q", "-F", "-m", "0", "-U", fs_id,
        "-E", f"lazy_itable_init=0,lazy_journal_init=0,nodiscard,hash_seed={fs_id}", image)


def loops_of(image):
    listed = run("losetup", "--noheadings", "--output", "NAME", "--associated", image)
    return listed.split()


def unmount(mount_dir):
    """Unmounts, waiting for a server that is just letting go of its files."""
    if not os.path.ismount(mount_dir):
        return
    subprocess.run(["fsfreeze", "--unfreeze", mount_dir], capture_output=True)
    for attempt in range(50):
        if subprocess.run(["umount", mount_dir], capture_output=True).returncode == 0:
            return
        time.sleep(0.2)
    run("umount", mount_dir)


def release(image, mount_dir):
    """Undoes what an earlier run left behind: also the first step of every new run."""
    unmount(mount_dir)
    if os.path.exists(image):
        for loop in loops_of(image):
            run("losetup", "--detach", loop)
    if os.path.isdir(mount_dir):
        os.rmdir(mount_dir)


@contextmanager
def mounted(image, mount_dir):
    """The image's file system at mount_dir, for as long as the block lasts."""
    os.makedirs(mount_dir, exist_ok=True)
    loop = run("losetup", "--find", "--show", image).strip()
    try:
        run("mount", "-t", "ext4", "-o", "noatime", loop, mount_dir)
        yield mount_dir
    finally:
        release(image, mount_dir)


@contextmanager
def frozen(mount_dir):
    """Nothing reaches the image while the block lasts; what was written before is in it."""
    run("sync", "--file-system", mount_dir)
    run("fsfreeze", "--freeze", mount_dir)
    try:
        yield
    finally:
        run("fsfreeze", "--unfreeze", mount_dir)


def copy_sparse(source, target):
    """Copies without its zeros. The target appears under its name only when it is whole."""
    partial = target + ".partial"
    run("cp", "--sparse=always", "--reflink=auto", source, partial)
    run("sync", partial)
    os.replace(partial, target)
