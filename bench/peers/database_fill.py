"""What goes into the database, and the load that changes it.

pgbench's own rows compress about 20:1, which no real volume does. So it is given a third of the
space, and four tables take the rest: `documents` and `events` are what the load updates,
`archive` and `attachments` are cold, as much of a real database is.

The cold values are large on purpose. Rows of some hundred bytes leave a hole of zeros in every
page, restic's chunker cuts at each run of 64 zero bytes, and then it never finds its old chunks
again once one boundary has moved: it would store the cold tables a second time. Large values
fill their pages, so the comparison does not rest on that.
"""

import json
import random
import subprocess
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from bench_step import StepFailed
from postgres_cluster import DATABASE

# Rows and transactions of the 6 GiB volume; others are in proportion.
FULL_PGBENCH_SCALE = 90
FULL_ROWS = {"documents": 1_010_000, "events": 1_130_000, "archive": 11_200,
             "attachments": 10_300}
FULL_TRANSACTIONS = 30_000

# fillfactor 90 leaves each page room for one more version of a row, as a tuned OLTP table has.
TABLES = """
CREATE TABLE documents (id bigint PRIMARY KEY, owner uuid NOT NULL, title text NOT NULL,
  body text NOT NULL, signature bytea NOT NULL, version int NOT NULL,
  edited timestamptz NOT NULL) WITH (fillfactor = 90);
CREATE TABLE events (id bigint PRIMARY KEY, event uuid NOT NULL, payload jsonb NOT NULL,
  trace bytea NOT NULL, created timestamptz NOT NULL) WITH (fillfactor = 90);
CREATE TABLE archive (id bigint PRIMARY KEY, owner uuid NOT NULL, summary jsonb NOT NULL,
  body text NOT NULL);
CREATE TABLE attachments (id bigint PRIMARY KEY, name text NOT NULL, content bytea NOT NULL);
ALTER TABLE archive ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE attachments ALTER COLUMN content SET STORAGE EXTERNAL;
"""

INDEXES = """
CREATE INDEX documents_owner ON documents (owner);
CREATE INDEX events_created ON events (created);
"""

EDIT_DOCUMENT = """
\\set id random(1, {documents})
UPDATE documents SET title = md5(:id::text || version::text), version = version + 1,
  edited = edited + interval '1 minute' WHERE id = :id;
"""

MARK_EVENT = """
\\set id random(1, {events})
\\set state random(1, 9)
UPDATE events SET payload = jsonb_set(payload, '{{state}}', to_jsonb(:state::int))
  WHERE id = :id;
"""

# Weights of pgbench's own transaction and of the two above, out of 30.
WEIGHTS = {"tpcb": 5, "edit": 13, "mark": 12}


@dataclass
class Fill:
    """How much goes into a volume of one size."""
    pgbench_scale: int
    rows: dict
    transactions: int

    @staticmethod
    def for_size(size_bytes):
        # A cluster costs a fixed part (system catalogs, WAL, the file system's own tables).
        fixed = 160 << 20
        share = (size_bytes - fixed) / ((6 << 30) - fixed)
        return Fill(pgbench_scale=max(1, round(FULL_PGBENCH_SCALE * share)),
                    rows={name: int(count * share) for name, count in FULL_ROWS.items()},
                    transactions=int(FULL_TRANSACTIONS * share))


class RowMaker:
    """Makes the rows of one table as lines of COPY text. The same seed gives the same rows."""

    def __init__(self, table, seed):
        self.random = random.Random(f"{seed}/{table}")
        self.words = make_words(random.Random(f"{seed}/words"), 6000)
        # Common words come often, rare ones seldom: P(rank) ~ 1/(rank + 40).
        self.weights = []
        total = 0.0
        for rank in range(len(self.words)):
            total += 1.0 / (rank + 40)
            self.weights.append(total)
        self.row = getattr(self, table)

    def uuid(self):
        return self.random.randbytes(16).hex()

    def text(self, word_count):
        return " ".join(self.random.choices(self.words, cum_weights=self.weights, k=word_count))

    def binary(self, size_bytes):
        return "\\\\x" + self.random.randbytes(size_bytes).hex()

    def time(self, identity):
        return (f"2024-{1 + identity % 12:02}-{1 + identity % 28:02} {identity % 24:02}:"
                f"{self.random.randrange(60):02}:{self.random.random() * 59:09.6f}+00")

    def payload(self):
        pick = self.random.random
        return json.dumps({
            "state": 0, "user": int(pick() * 9_000_000), "amount": round(pick() * 10_000, 2),
            "session": self.random.randbytes(12).hex(),
            "path": "/" + self.text(2).replace(" ", "/"),
            "agent": self.text(2), "latency_ms": round(pick() * 900, 3),
            "tags": self.text(3).split(" ")})

    def documents(self, identity):
        return (identity, self.uuid(), self.random.randbytes(16).hex(), self.text(30),
                self.binary(224), 1, self.time(identity))

    def events(self, identity):
        return (identity, self.uuid(), self.payload(), self.binary(208), self.time(identity))

    def archive(self, identity):
        return (identity, self.uuid(), self.payload(), self.text(self.random.randint(3000, 9000)))

    def attachments(self, identity):
        return (identity, self.text(2), self.binary(self.random.randint(20_000, 100_000)))


def make_words(source, count):
    syllables = [first + vowel for first in "bcdfghklmnprstvw" for vowel in "aeiou"]
    return ["".join(source.choices(syllables, k=source.randint(2, 4))) for _ in range(count)]


def fill_table(cluster, table, row_count, seed):
    """Streams the rows into COPY. TRUNCATE in the same transaction saves writing WAL for them."""
    copy = subprocess.Popen(
        cluster.psql_command("--single-transaction", "--command", f"TRUNCATE {table}",
                             "--command", f"COPY {table} FROM STDIN WITH (FREEZE)"),
        cwd="/", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True)
    maker = RowMaker(table, seed)
    try:
        for first in range(1, row_count + 1, 100):
            last = min(first + 100, row_count + 1)
            copy.stdin.write("".join("\t".join(map(str, maker.row(identity))) + "\n"
                                     for identity in range(first, last)))
        copy.stdin.close()
    except BrokenPipeError:
        pass  # COPY ended early: its own message, below, says why
    said = copy.stderr.read()
    if copy.wait() != 0:
        raise StepFailed(f"filling {table}: {said.strip()}")


def fill_database(cluster, fill, seed):
    """Everything that s0 holds, checkpointed. Two tables at a time: making rows takes a core."""
    cluster.sql(f"CREATE DATABASE {DATABASE}", database="postgres")
    cluster.pgbench("--initialize", "--quiet", "--scale", str(fill.pgbench_scale))
    cluster.sql(TABLES)
    with ProcessPoolExecutor(max_workers=2) as pool:
        filled = [pool.submit(fill_table, cluster, table, rows, seed)
                  for table, rows in sorted(fill.rows.items(), key=lambda item: -item[1])]
        for one in filled:
            one.result()
    cluster.sql(INDEXES)
    for statement in ("VACUUM (FREEZE, ANALYZE)", "CHECKPOINT"):
        cluster.sql(statement)


def apply_load(cluster, fill, seed, work_dir):
    """One client and a fixed number of transactions, so that the seed decides every one."""
    scripts = {"edit": EDIT_DOCUMENT, "mark": MARK_EVENT}
    arguments = ["--builtin", f"tpcb-like@{WEIGHTS['tpcb']}"]
    for name, text in scripts.items():
        path = f"{work_dir}/{name}.sql"
        with open(path, "w") as file:
            file.write(text.format(**fill.rows))
        arguments += ["--file", f"{path}@{WEIGHTS[name]}"]
    return cluster.pgbench("--no-vacuum", "--client", "1", "--protocol", "prepared",
                           "--random-seed", str(seed),
                           "--transactions", str(fill.transactions), *arguments)
