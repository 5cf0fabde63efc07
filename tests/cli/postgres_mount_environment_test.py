"""A real database on a snapshot: PostgreSQL on a writable mount, and while it is being restored."""

import hashlib
import os
import pwd
import subprocess
import time

import loop_mounts
from loop_mounts import DEADLINE_SECONDS, POSTGRES_BINARIES, MountTest, command
from varve_command import start

VOLUME_BYTES = 160 << 20


class Postgres:
    """A server on a data directory, reached by a socket in a directory of its own."""

    def __init__(self, data, sockets):
        self.data = data
        self.sockets = sockets

    def run(self, tool, *words, check=True):
        return command("runuser", "-u", "postgres", "--", f"{POSTGRES_BINARIES}/{tool}", *words,
                       check=check)

    def initialize(self):
        self.run("initdb", "-D", self.data, "--auth=trust", "--no-locale", "-E", "UTF8",
                 "--wal-segsize=1")

    def start(self):
        options = (f"-c listen_addresses='' -c unix_socket_directories={self.sockets} "
                   "-c shared_buffers=16MB -c max_wal_size=16MB -c min_wal_size=2MB "
                   "-c dynamic_shared_memory_type=mmap -c max_connections=20 -c autovacuum=off")
        # Not through a pipe: the server would keep it open.
        log = os.path.join(self.sockets, "log")
        words = ["runuser", "-u", "postgres", "--", f"{POSTGRES_BINARIES}/pg_ctl", "-D", self.data,
                 "-o", options, "-l", log, "-w", "-t", str(DEADLINE_SECONDS), "start"]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            with open(log, encoding="utf-8", errors="replace") as text:
                raise AssertionError(f"PostgreSQL did not start:\n{text.read()}")

    def stop(self, mode="fast", check=True):
        try:
            servers = self.processes()
        except (OSError, ValueError):
            servers = []
        self.run("pg_ctl", "-D", self.data, "-w", "-t", str(DEADLINE_SECONDS), "-m", mode, "stop",
                 check=check)
        wait_until_gone(servers)

    def processes(self):
        """The server and all its children, while its disk can be read."""
        with open(os.path.join(self.data, "postmaster.pid"), encoding="utf-8") as file:
            server = int(file.readline())
        children = command("ps", "-o", "pid=", "--ppid", server, check=False).split()
        return [server, *map(int, children)]

    def query(self, text):
        return self.run("psql", "-h", self.sockets, "-d", "postgres", "-AtX", "-v",
                        "ON_ERROR_STOP=1", "-c", text).strip()


def is_postgres(process):
    """Whether it is there, ended or not; ids are used again by others."""
    try:
        with open(f"/proc/{process}/comm", encoding="utf-8") as file:
            return file.read().startswith("postgres")
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until_gone(processes):
    """Until nobody has their ids: a snapshot holds the lock file that names its server, and one
    that is not reaped yet counts as running there."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while left := [process for process in processes if is_postgres(process)]:
        if time.monotonic() > deadline:
            raise AssertionError(f"processes {left} of PostgreSQL do not end")
        time.sleep(0.05)


def digest(path):
    whole = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            whole.update(piece)
    return whole.hexdigest()


class PostgresMountTest(MountTest):

    def setUp(self):
        super().setUp()
        os.chmod(self.directory, 0o755)
        self.init()
        self.files = self.directory_at("files")
        self.mountpoint = self.directory_at("mnt")
        sockets = self.directory_at("sockets")
        user = pwd.getpwnam("postgres")
        os.chown(sockets, user.pw_uid, user.pw_gid)
        self.server = Postgres(os.path.join(self.files, "data"), sockets)
        self.make_database(user)

    def make_database(self, user):
        """A snapshot of a volume on which a server works: frozen, not shut down."""
        volume = self.path("orders.img")
        with open(volume, "wb") as file:
            file.truncate(VOLUME_BYTES)
        command("mkfs.ext4", "-q", "-F", volume)
        device = self.attach(volume)
        self.mount_file_system(device, self.files)
        self.addCleanup(self.server.stop, "immediate", check=False)
        os.chown(self.files, user.pw_uid, user.pw_gid)
        self.server.initialize()
        self.server.start()
        self.server.query("CREATE EXTENSION amcheck")
        self.server.query("CREATE TABLE orders (id serial PRIMARY KEY, note text)")
        self.server.query("INSERT INTO orders (note) SELECT md5(i::text) || repeat('x', i % 300) "
                          "FROM generate_series(1, 30000) i")
        self.server.query("CREATE INDEX ON orders (note)")
        self.server.query("UPDATE orders SET note = note || '!' WHERE id % 7 = 0")
        command("fsfreeze", "-f", self.files)
        try:
            self.taken = self.snapshot(volume, "--consistency", "filesystem")["snapshotId"]
        finally:
            command("fsfreeze", "-u", self.files)
        self.server.stop()
        command("umount", self.files)
        self.detach(device)
        os.remove(volume)

    def start_on(self, file):
        device = self.attach(file)
        self.mount_file_system(device, self.files)
        self.addCleanup(self.server.stop, "immediate", check=False)
        self.server.start()
        return device

    def stop_on(self, device):
        self.server.stop()
        command("umount", self.files)
        self.detach(device)

    def test_a_server_starts_on_a_snapshot_and_goes_on_there(self):
        overlay = self.path("overlay")
        restored = self.path("restored")
        self.repo("restore", self.taken, restored)
        begin = time.monotonic()
        file = self.mount_snapshot(self.taken, self.mountpoint, "--writable", "--overlay", overlay)
        device = self.start_on(file)
        self.assertEqual(self.server.query("SELECT count(*) FROM orders"), "30000")
        print(f"PostgreSQL answered {time.monotonic() - begin:.2f} s after the mount command")
        self.server.run("pg_amcheck", "-h", self.server.sockets, "-d", "postgres", "--heapallindexed")
        self.server.query("INSERT INTO orders (note) VALUES ('on the overlay')")
        self.stop_on(device)
        self.unmount_snapshot(self.mountpoint)

        file = self.mount_snapshot(self.taken, self.mountpoint, "--writable", "--overlay", overlay)
        device = self.start_on(file)
        self.assertEqual(self.server.query("SELECT note FROM orders ORDER BY id DESC LIMIT 1"),
                         "on the overlay")
        self.stop_on(device)
        self.unmount_snapshot(self.mountpoint)
        again = self.repo("restore", self.taken, restored, "--in-place", "--json").json()
        self.assertEqual((again["bytesWritten"], again["bytesZeroed"]), (0, 0))
        committed = self.repo("commit-overlay", overlay, "--json").json()
        self.assertEqual(committed["parentId"], self.taken)
        self.repo("verify", "latest", says="is good")

    def start_restore(self, target, *words):
        self.unmount_at_end(self.mountpoint)
        process = start("restore", "-r", self.repository, self.taken, target, "--instant",
                        self.mountpoint, "--json", *words)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        states = loop_mounts.wait_for_states(process, "mounted")
        return process, os.path.join(self.mountpoint, "volume.raw"), "filled" in states

    def test_a_server_works_while_its_volume_is_restored(self):
        target = self.path("target")
        # The fill would take hours, so that the kill meets it in the middle.
        process, file, _ = self.start_restore(target, "--rate", "16K")
        device = self.start_on(file)
        self.assertEqual(self.server.query("SELECT count(*) FROM orders"), "30000")
        self.server.query("INSERT INTO orders (note) VALUES ('while it is restored')")
        self.assertFalse(os.path.exists(target))
        servers = self.server.processes()
        self.kill_process(process.pid)
        # Whatever they wait for: their disk is gone.
        for server in servers:
            self.kill_process(server)
        command("umount", "-l", self.files, check=False)
        self.detach(device, check=False)
        wait_until_gone(servers)

        process, file, is_filled = self.start_restore(target)
        device = self.start_on(file)
        self.assertEqual(self.server.query("SELECT note FROM orders ORDER BY id DESC LIMIT 1"),
                         "while it is restored")
        if not is_filled:
            loop_mounts.wait_for_states(process, "filled")
        self.server.run("pg_amcheck", "-h", self.server.sockets, "-d", "postgres")
        self.stop_on(device)
        through_the_mount = digest(file)
        self.assertFalse(os.path.exists(target))
        self.unmount_snapshot(self.mountpoint)
        self.assertEqual(process.wait(), 0)
        self.assertEqual(digest(target), through_the_mount)
        device = self.start_on(target)
        self.assertEqual(self.server.query("SELECT count(*) FROM orders"), "30001")
        self.stop_on(device)


if __name__ == "__main__":
    loop_mounts.require_postgres()
    loop_mounts.main()
