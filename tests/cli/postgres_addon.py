"""A managed PostgreSQL as the agent's operator has it: an XFS with reflinks on a loop device, on it a
volume's image with a file system, in that a database, and hooks that start, stop, mount and unmount
it. All of it is undone when the test ends, however it ends.
"""

import os
import pwd
import subprocess
import sys

from loop_mounts import DEADLINE_SECONDS, POSTGRES_BINARIES, MountTest, command, is_mounted

XFS_BYTES = 1 << 30
VOLUME_BYTES = 200 << 20

# One program for all hooks, so that an argv is all that the configuration has to name. It waits for
# nothing of its own: pg_ctl does.
HOOK = '''#!/usr/bin/python3
import os, subprocess, sys
BINARIES, DEADLINE = {binaries!r}, {deadline!r}
action, volume, mountpoint, port = sys.argv[1:5]
data = os.path.join(mountpoint, "data")
lock_file = os.path.join(data, "postmaster.pid")
sockets = {sockets!r}

def run(*words, **options):
    return subprocess.run(words, stdin=subprocess.DEVNULL, check=False, **options)

def as_postgres(tool, *words, **options):
    return run("runuser", "-u", "postgres", "--", os.path.join(BINARIES, tool), *words, **options)

def start():
    options = ("-c listen_addresses='' -c unix_socket_directories=%s -c port=%s "
               "-c shared_buffers=16MB -c max_wal_size=32MB -c dynamic_shared_memory_type=mmap "
               "-c max_connections=20 -c autovacuum=off" % (sockets, port))
    log = os.path.join(sockets, "log." + port)
    # A clone holds the lock file of the server it was cloned from, which lives.
    if os.path.exists(lock_file):
        os.remove(lock_file)
    done = as_postgres("pg_ctl", "-D", data, "-o", options, "-l", log, "-w", "-t", DEADLINE, "start",
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if done.returncode != 0:
        with open(log, encoding="utf-8", errors="replace") as text:
            print(text.read()[-2000:])
    return done.returncode

def is_running():
    # The server that works in this directory, not one of the same number elsewhere.
    try:
        with open(lock_file, encoding="utf-8") as file:
            server = file.readline().strip()
        return os.path.samefile("/proc/%s/cwd" % server, data)
    except OSError:
        return False

def sql(text):
    return as_postgres("psql", "-h", sockets, "-p", port, "-d", "postgres", "-AtX", "-v",
                       "ON_ERROR_STOP=1", "-c", text).returncode

def stop():
    if not is_running():
        return 0
    return as_postgres("pg_ctl", "-D", data, "-w", "-t", DEADLINE, "-m", "fast", "stop",
                       stdout=subprocess.DEVNULL).returncode

def mount():
    if os.path.ismount(mountpoint):
        return 0
    os.makedirs(mountpoint, exist_ok=True)
    return run("mount", "-o", "loop", volume, mountpoint).returncode

def unmount():
    return run("umount", mountpoint).returncode if os.path.ismount(mountpoint) else 0

ACTIONS = {{
    "start": lambda: 0 if is_running() else start(),
    "stop": stop,
    "mount": mount,
    "unmount": unmount,
    "freeze": lambda: sql("CHECKPOINT"),
    "health": lambda: sql("SELECT 1"),
    "check": lambda: sql("SELECT count(*) FROM orders"),
}}
sys.exit(ACTIONS[action]())
'''


class PostgresAddon:
    """One addon: its volume, mountpoint and port, and the hooks with them."""

    def __init__(self, hook, volume, mountpoint, port, sockets):
        self.hook, self.volume, self.mountpoint = hook, volume, mountpoint
        self.port, self.sockets = str(port), sockets

    def run_hook(self, action, check=True):
        return command(sys.executable, self.hook, action, self.volume, self.mountpoint, self.port,
                       check=check)

    def query(self, text):
        return command("runuser", "-u", "postgres", "--", f"{POSTGRES_BINARIES}/psql", "-h",
                       self.sockets, "-p", self.port, "-d", "postgres", "-AtX", "-v",
                       "ON_ERROR_STOP=1", "-c", text).strip()

    def is_up(self):
        done = subprocess.run([sys.executable, self.hook, "health", self.volume, self.mountpoint,
                               self.port], capture_output=True, check=False)
        return done.returncode == 0

    def take_down(self):
        self.run_hook("stop", check=False)
        self.run_hook("unmount", check=False)


class PostgresAddonTest(MountTest):
    """A test with volumes on an XFS that has reflinks; `self.volumes` is that file system."""

    def setUp(self):
        super().setUp()
        os.chmod(self.directory, 0o755)
        self.volumes = self.directory_at("volumes")
        self.sockets = self.directory_at("sockets")
        self.user = pwd.getpwnam("postgres")
        os.chown(self.sockets, self.user.pw_uid, self.user.pw_gid)
        image = self.path("xfs.img")
        with open(image, "wb") as file:
            file.truncate(XFS_BYTES)
        command("mkfs.xfs", "-q", "-m", "reflink=1", image)
        self.mount_file_system(self.attach(image), self.volumes)
        self.hook = self.path("hook")
        with open(self.hook, "w", encoding="utf-8") as file:
            file.write(HOOK.format(binaries=POSTGRES_BINARIES, deadline=str(DEADLINE_SECONDS),
                                   sockets=self.sockets))
        os.chmod(self.hook, 0o755)

    def addon(self, name, port):
        """Where its volume will be; nothing is made."""
        mountpoint = self.path("mnt-" + name)
        made = PostgresAddon(self.hook, os.path.join(self.volumes, name + ".img"), mountpoint, port,
                             self.sockets)
        self.unmount_at_end(mountpoint)
        self.addCleanup(made.take_down)
        return made

    def provision(self, name, port):
        """A running database on a new volume."""
        made = self.addon(name, port)
        with open(made.volume, "wb") as file:
            file.truncate(VOLUME_BYTES)
        command("mkfs.ext4", "-q", "-F", made.volume)
        made.run_hook("mount")
        data = os.path.join(made.mountpoint, "data")
        os.mkdir(data, 0o700)
        os.chown(data, self.user.pw_uid, self.user.pw_gid)
        command("runuser", "-u", "postgres", "--", f"{POSTGRES_BINARIES}/initdb", "-D", data,
                "--auth=trust", "--no-locale", "-E", "UTF8", "--wal-segsize=1")
        made.run_hook("start")
        return made

    def hook_settings(self):
        """The hooks as the configuration names them: words of argv by hook."""
        words = ["{volume}", "{mountpoint}", "{port}"]
        hooks = {name: [sys.executable, self.hook, name, *words]
                 for name in ("start", "stop", "mount", "unmount", "freeze", "health")}
        hooks["drill_start"] = [sys.executable, self.hook, "start", *words]
        hooks["drill_check"] = [sys.executable, self.hook, "check", *words]
        hooks["drill_stop"] = [sys.executable, self.hook, "stop", *words]
        return hooks

    def assert_nothing_is_left(self, *addons):
        """Their databases serve, their volumes are mounted, and there is no clone beside them."""
        for addon in addons:
            self.assertTrue(is_mounted(addon.mountpoint))
            self.assertTrue(addon.is_up())
        self.assertEqual(sorted(os.listdir(self.volumes)),
                         sorted(os.path.basename(addon.volume) for addon in addons))
