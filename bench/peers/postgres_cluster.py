"""A private PostgreSQL 15 cluster: its own directory, socket and settings; no TCP port."""

import os
import pwd
import shutil
import subprocess
from contextlib import contextmanager

from bench_step import StepFailed, run

BIN_DIR = "/usr/lib/postgresql/15/bin"
DATABASE = "bench"

# Checkpoints come from the amount of WAL and not from the clock, and autovacuum is off: so the
# pages written depend on the seed and not on how busy the machine is. fsync and full-page
# writes stay on, because the copies are opened by crash recovery.
SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{socket_dir}'
max_connections = 20
shared_buffers = {shared_buffers_mb}MB
synchronous_commit = off
wal_level = minimal
max_wal_senders = 0
wal_keep_size = 0
min_wal_size = {wal_mb}MB
max_wal_size = {wal_mb}MB
checkpoint_timeout = 1h
autovacuum = off
max_parallel_workers_per_gather = 0
jit = off
logging_collector = off
"""


class Cluster:
    """One cluster in data_dir. Everything runs as the system's postgres user."""

    def __init__(self, data_dir, socket_dir, log_file):
        self.data_dir = data_dir
        self.socket_dir = socket_dir
        self.log_file = log_file

    def tool(self, name):
        return os.path.join(BIN_DIR, name)

    def command(self, name, *arguments):
        return ["runuser", "-u", "postgres", "--", self.tool(name), *arguments]

    def create(self, wal_mb, shared_buffers_mb):
        os.makedirs(self.data_dir, mode=0o700)
        shutil.chown(self.data_dir, "postgres", "postgres")
        run(*self.command("initdb", "--pgdata", self.data_dir, "--auth", "trust",
                          "--encoding", "UTF8", "--locale", "C", "--no-sync"), cwd="/")
        settings = SETTINGS.format(socket_dir=self.socket_dir, wal_mb=wal_mb,
                                   shared_buffers_mb=shared_buffers_mb)
        with open(os.path.join(self.data_dir, "postgresql.conf"), "a") as file:
            file.write(settings)

    def start(self):
        make_private_dir(self.socket_dir)
        # The server keeps its standard streams: as pipes they would never reach their end.
        started = subprocess.run(
            self.command("pg_ctl", "start", "--wait", "--timeout", "300", "--silent",
                         "--pgdata", self.data_dir, "--log", self.log_file,
                         "--options", f"-k {self.socket_dir}"),
            cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        if started.returncode != 0:
            raise StepFailed(f"PostgreSQL in {self.data_dir} did not start:\n{self.log_tail()}")

    def log_tail(self):
        try:
            with open(self.log_file, errors="replace") as file:
                return "".join(file.readlines()[-12:])
        except OSError as error:
            return f"(no log: {error})"

    def stop(self, mode="fast"):
        if os.path.exists(os.path.join(self.data_dir, "postmaster.pid")):
            subprocess.run(self.command("pg_ctl", "stop", "--wait", "--silent", "--mode", mode,
                                        "--pgdata", self.data_dir), cwd="/", capture_output=True)

    @contextmanager
    def running(self):
        self.start()
        try:
            yield self
        finally:
            self.stop()

    def psql_command(self, *arguments, database=DATABASE):
        return self.command("psql", "--host", self.socket_dir, "--dbname", database,
                            "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", *arguments)

    def sql(self, statement, database=DATABASE):
        return run(*self.psql_command("--no-align", "--tuples-only", "--command", statement,
                                      database=database), cwd="/").strip()

    def pgbench(self, *arguments):
        return run(*self.command("pgbench", "--host", self.socket_dir, *arguments, DATABASE),
                   cwd="/")


def make_private_dir(path):
    os.makedirs(path, exist_ok=True)
    account = pwd.getpwnam("postgres")
    os.chown(path, account.pw_uid, account.pw_gid)
    os.chmod(path, 0o700)
