"""The verbs that talk to the agent, against a small server that keeps to the agent's contract: what
they send, what they show, and how they end. The real agent has tests of its own."""

import http.server
import json
import os
import pty
import signal
import socketserver
import subprocess
import threading
import unittest
from urllib.parse import parse_qsl, urlsplit

import varve_command
from varve_command import (ABORTED, BUSY, DENIED, FAILURE, INTERRUPTED, NO_SPACE, NOT_FOUND, OK,
                           USAGE, WRONG_STATE, VarveTest, environment, finish, start, wait_until)

UNREACHABLE = 7
BACKUP = "b" * 26
OTHER = "c" * 26
RESTORE = "r" * 26
JOB = "j" * 26
SCHEDULES = {"s" * 26: "hourly", "d" * 26: "daily"}


def backup_record(status="completed", **fields):
    return {"id": BACKUP, "addonId": "orders-db", "name": "before migration",
            "backupType": "snapshot", "sourceType": "sameAddon", "status": status,
            "schedules": list(SCHEDULES), "purpose": "manual", "repository": "default",
            "snapshotId": None, "retained": False, "hold": None, "expiresAt": None,
            "createdAt": "2026-01-31T12:00:00.000Z", "startedAt": None, "finishedAt": None,
            "bytesLogical": "1073741824", "bytesRead": "0", "bytesChanged": "65536",
            "bytesStored": "4096", "parent": None, "consistency": None, "changeSource": None,
            "fallbackReason": None, "capture": "reflink", "pauseMilliseconds": 12,
            "verification": None, "lastRestore": None, "progress": None, "error": None, **fields}


def running(percent):
    return backup_record("in-progress", progress={
        "phase": "read", "bytesDone": "1", "bytesTotal": "100", "percent": percent,
        "bytesPerSecond": "1048576", "secondsRemaining": 3.0})


def restore_record(status="completed", **fields):
    return {"id": RESTORE, "restoreId": RESTORE, "addonId": "orders-db", "backupId": BACKUP,
            "mode": "in-place", "purpose": "restore", "status": status, "safetyBackupId": OTHER,
            "bytesTotal": "1073741824", "bytesWritten": "65536",
            "createdAt": "2026-01-31T12:00:00.000Z", "startedAt": None, "finishedAt": None,
            "progress": None, "error": None, **fields}


def job_record(kind, status="completed", **fields):
    return {"id": JOB, "kind": kind, "subjectId": BACKUP, "addonId": "orders-db",
            "repository": None, "status": status, "createdAt": "2026-01-31T12:00:00.000Z",
            "startedAt": None, "finishedAt": None, "progress": None, "error": None, **fields}


class Request:
    def __init__(self, handler):
        parts = urlsplit(handler.path)
        self.method, self.path, self.query = handler.command, parts.path, dict(parse_qsl(parts.query))
        self.headers = dict(handler.headers)
        length = int(handler.headers.get("Content-Length") or 0)
        self.body = json.loads(handler.rfile.read(length)) if length else None

    def line(self):
        return f"{self.method} {self.path}"


class FakeAgent(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers by (method, path): a value is the "data"; a list of them one after the other, the
    last one again and again; a tuple is (status, document or text); None ends the connection."""

    daemon_threads = True

    def __init__(self, path):
        self.path = path
        self.answers = {}
        self.requests = []
        self.lock = threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            def address_string(self):
                return "unix"

            def log_message(self, *_):
                pass

            def answer(self):
                request = Request(self)
                status, text = self.server.answer_to(request)
                if status is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        super().__init__(path, Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05},
                         daemon=True).start()

    def answer_to(self, request):
        with self.lock:
            self.requests.append(request)
            answers = self.answers.get(request.line())
            if answers is None:
                return refusal(404, f"no {request.line()}")
            if not isinstance(answers, Sequence):
                return reply(answers)
            return reply(answers.values.pop(0) if len(answers.values) > 1 else answers.values[0])

    def count(self, line):
        with self.lock:
            return sum(request.line() == line for request in self.requests)


class Sequence:
    def __init__(self, *values):
        self.values = list(values)


def refusal(status, message):
    return status, json.dumps({"error": {"status": status, "id": "x", "message": message,
                                         "details": {}}})


def reply(answer):
    if answer is None:
        return None, ""
    if isinstance(answer, tuple):
        return answer[0], answer[1] if isinstance(answer[1], str) else json.dumps(answer[1])
    document = {"data": answer}
    if isinstance(answer, list):
        document["pagination"] = {"hasNextPage": False, "cursor": None, "count": len(answer)}
    return 200, json.dumps(document)


class AgentVerbsTest(VarveTest):

    def setUp(self):
        super().setUp()
        self.agent = FakeAgent(self.path("agent.sock"))
        self.addCleanup(self.agent.server_close)
        self.addCleanup(self.agent.shutdown)
        self.environment = environment(VARVE_URL="unix://" + self.agent.path)
        self.answer("GET /v1/addons/orders-db/backup-schedules", [
            {"id": id, "scheduling": {"interval": interval, "minute": [0]}}
            for id, interval in SCHEDULES.items()])

    def answer(self, line, answer):
        self.agent.answers[line] = answer

    def run_varve(self, *words, expect=OK, says=(), **options):
        options.setdefault("env", self.environment)
        return self.varve(*words, expect=expect, says=says, **options)

    def asked(self, line):
        """The last such request."""
        found = [request for request in self.agent.requests if request.line() == line]
        self.assertTrue(found, [request.line() for request in self.agent.requests])
        return found[-1]

    def test_addons_are_registered_with_what_was_given(self):
        self.answer("POST /v1/addons", (201, {"data": {"id": "orders-db", "engine": "postgresql"}}))
        self.run_varve("addon", "register", "orders-db", "--engine", "postgresql",
                       "--engine-version", "15", "--volume", "orders.img", "--mountpoint", "mnt",
                       "--capture", "reflink", "--port", "5433", "--access-user", "app",
                       "--access-user", "web", "--repository", "default", says="is registered")
        self.assertEqual(self.asked("POST /v1/addons").body, {
            "id": "orders-db", "engine": "postgresql", "version": "15",
            "volume": {"path": "orders.img", "mountpoint": "mnt", "capture": "reflink"},
            "connection": {"port": 5433, "accessUsers": ["app", "web"]}, "repository": "default"})
        self.run_varve("addon", "register", "orders-db", expect=USAGE, says="--volume")

    def test_lists_go_through_all_pages(self):
        def page(names, cursor):
            return (200, {"data": [{"id": name, "engine": "none", "version": "",
                                    "volume": {"path": "p"}, "repository": "r",
                                    "createdAt": "2026-01-31T12:00:00.000Z"} for name in names],
                          "pagination": {"hasNextPage": cursor is not None, "cursor": cursor,
                                         "count": len(names)}})
        self.answer("GET /v1/addons", Sequence(page(["a", "b"], "c1"), page(["c"], None)))
        listed = self.run_varve("addon", "list", "--json").json()
        self.assertEqual([addon["id"] for addon in listed], ["a", "b", "c"])
        self.assertEqual(self.asked("GET /v1/addons").query["cursor"], "c1")

    def test_a_reset_wants_the_name_again(self):
        self.run_varve("addon", "reset", "orders-db", expect=USAGE, says="--confirm orders-db")
        self.run_varve("addon", "reset", "orders-db", "--confirm", "other", expect=USAGE)
        self.assertEqual(self.agent.requests, [])
        self.answer("POST /v1/addons/orders-db/reset", (202, {"data": restore_record("scheduled")}))
        self.run_varve("addon", "reset", "orders-db", "--confirm", "orders-db", says="is accepted")
        self.assertEqual(self.asked("POST /v1/addons/orders-db/reset").body,
                         {"confirm": "orders-db"})

    def test_a_fork_is_waited_for(self):
        self.answer("POST /v1/addons", (201, {"data": {"id": "copy", "restoreId": RESTORE}}))
        self.answer(f"GET /v1/addons/copy/restores/{RESTORE}",
                    Sequence(restore_record("scheduled"), restore_record()))
        self.run_varve("addon", "fork", "orders-db", "copy", "--port", "5434", "--wait",
                       says="is forked from orders-db")
        self.assertEqual(self.asked("POST /v1/addons").body, {
            "id": "copy", "source": {"addonId": "orders-db", "backupId": "latest"},
            "connection": {"port": 5434}})

    def create(self, *words, **options):
        return self.run_varve("backup", "create", "orders-db", *words, **options)

    def test_a_backup_is_accepted_or_waited_for(self):
        self.answer("POST /v1/addons/orders-db/backups",
                    (202, {"data": backup_record("scheduled")}))
        self.create("--name", "before migration", says="is accepted")
        request = self.asked("POST /v1/addons/orders-db/backups")
        self.assertEqual(request.body, {"backupType": "snapshot", "name": "before migration"})
        self.assertEqual(len(request.headers["Idempotency-Key"]), 32)
        path = f"GET /v1/addons/orders-db/backups/{BACKUP}"
        self.answer(path, Sequence(backup_record("scheduled"), running(1.0), running(50.0),
                                   backup_record()))
        self.create("--wait", says="64.0 KiB changed of 1.0 GiB, 4.0 KiB stored")
        self.answer(path, Sequence(running(1.0), running(50.0), backup_record()))
        lines = [json.loads(line)
                 for line in self.create("--wait", "--json").out.splitlines()]
        self.assertEqual([line["message_type"] for line in lines], ["status", "status", "summary"])
        self.assertEqual(lines[1]["progress"]["percent"], 50.0)
        self.assertEqual(lines[2]["bytesStored"], "4096")

    def test_how_work_ended_is_the_exit_code(self):
        self.answer("POST /v1/addons/orders-db/backups",
                    (202, {"data": backup_record("scheduled")}))
        for status, code in (("failed", FAILURE), ("aborted", ABORTED),
                             ("not-supported", FAILURE)):
            self.answer(f"GET /v1/addons/orders-db/backups/{BACKUP}",
                        backup_record(status, error="the volume is gone"))
            self.create("--wait", expect=code, says="the volume is gone")

    def test_an_agent_that_restarts_is_waited_for(self):
        self.answer("POST /v1/addons/orders-db/backups", Sequence(
            None, (202, {"data": backup_record("scheduled")})))
        self.answer(f"GET /v1/addons/orders-db/backups/{BACKUP}",
                    Sequence(None, None, backup_record()))
        self.create("--wait", says="is completed")
        keys = {request.headers["Idempotency-Key"] for request in self.agent.requests
                if request.method == "POST"}
        self.assertEqual(len(keys), 1)

    def test_control_c_detaches_and_says_so(self):
        self.answer("POST /v1/addons/orders-db/backups",
                    (202, {"data": backup_record("scheduled")}))
        path = f"GET /v1/addons/orders-db/backups/{BACKUP}"
        self.answer(path, running(1.0))
        process = start("backup", "create", "orders-db", "--wait", env=self.environment)
        wait_until(lambda: self.agent.count(path) > 0)
        process.send_signal(signal.SIGINT)
        result = finish(process)
        self.assertEqual(result.code, INTERRUPTED, str(result))
        self.assertIn("detached", result.err)
        self.assertIn(f"varve backup show orders-db {BACKUP}", result.err)

    def test_a_terminal_sees_progress(self):
        self.answer("POST /v1/addons/orders-db/backups",
                    (202, {"data": backup_record("scheduled")}))
        self.answer(f"GET /v1/addons/orders-db/backups/{BACKUP}",
                    Sequence(running(50.0), backup_record()))
        master, slave = pty.openpty()
        done = subprocess.run([varve_command.binary(), "backup", "create", "orders-db", "--wait"],
                              env=self.environment, stdin=subprocess.DEVNULL, stderr=slave,
                              stdout=subprocess.PIPE, check=False, timeout=60)
        os.close(slave)
        shown = os.read(master, 65536).decode()
        os.close(master)
        self.assertEqual(done.returncode, OK)
        self.assertIn("50 %", shown)
        self.assertIn("1.0 MiB/s  3.0 s left", shown)

    def test_backups_are_listed_and_named(self):
        path = "GET /v1/addons/orders-db/backups"
        self.answer(path, [backup_record()])
        self.run_varve("backup", "list", "orders-db", "--status", "completed", "--oldest-first",
                       "--limit", "5", says=("before migration", "hourly, daily", "4.0 KiB"))
        self.assertEqual(self.asked(path).query, {"status": "completed", "sort": "createdAt",
                                                  "per_page": "5"})
        self.answer(f"{path}/{BACKUP}", backup_record(hold={
            "name": "audit", "reason": "of 2026", "since": "2026-01-31T12:00:00.000Z"}))
        for name in ("latest", "before migration", BACKUP[:4], BACKUP):
            self.run_varve("backup", "show", "orders-db", name,
                           says=("held: audit (of 2026)", "reflink", "0.0 s"))
        self.run_varve("backup", "show", "orders-db", "nothing", expect=NOT_FOUND)
        self.answer(path, [backup_record(), backup_record(id=OTHER)])
        self.run_varve("backup", "show", "orders-db", "before migration", expect=USAGE, says=OTHER)

    def test_each_action_is_its_request(self):
        base = f"/v1/addons/orders-db/backups/{BACKUP}"
        cases = [
            (("abort",), f"POST {base}/abort", None, "told to stop"),
            (("retain",), f"POST {base}/retain", None, "stays whatever"),
            (("release",), f"DELETE {base}/retain", None, "as long as"),
            (("unhold",), f"DELETE {base}/hold", None, "no longer held"),
            (("umount",), f"DELETE {base}/mount", None, "no longer mounted"),
        ]
        for words, line, body, says in cases:
            self.answer(line, backup_record())
            self.run_varve("backup", *words, "orders-db", BACKUP, says=says)
            self.assertEqual(self.asked(line).body, body)
        self.answer(f"PUT {base}/hold", backup_record())
        self.run_varve("backup", "hold", "orders-db", BACKUP, "audit", "of 2026", says="is held")
        self.assertEqual(self.asked(f"PUT {base}/hold").body,
                         {"name": "audit", "reason": "of 2026"})
        self.answer(f"POST {base}/mount", {"path": "/m/volume.raw", "writable": True})
        self.run_varve("backup", "mount", "orders-db", BACKUP, "--writable", says="/m/volume.raw\n")
        self.assertEqual(self.asked(f"POST {base}/mount").body, {"writable": True})
        self.answer(f"GET {base}/diff", [{"offset": "65536", "length": "131072"}])
        self.run_varve("backup", "diff", "orders-db", BACKUP, OTHER, says="131072")
        self.assertEqual(self.asked(f"GET {base}/diff").query["base"], OTHER)

    def test_a_delete_says_first_what_it_would_free(self):
        line = f"DELETE /v1/addons/orders-db/backups/{BACKUP}"
        self.answer(line, {"bytesFreed": "1048576", "refusal": None})
        self.run_varve("backup", "delete", "orders-db", BACKUP, "--dry-run", says="free 1.0 MiB")
        self.assertEqual(self.asked(line).query, {"dryRun": "true"})
        self.answer(line, (202, {"data": job_record("delete", "scheduled")}))
        self.answer(f"GET /v1/jobs/{JOB}", job_record("delete"))
        self.run_varve("backup", "delete", "orders-db", BACKUP, "--wait", says="is deleted")
        self.assertEqual(self.asked(line).query, {})

    def test_restores(self):
        line = f"POST /v1/addons/orders-db/backups/{BACKUP}/restore"
        self.answer(line, {"backupId": BACKUP, "targetAddonId": "other", "mode": "in-place",
                           "bytesLogical": "1048576", "safetySnapshot": True})
        self.run_varve("backup", "restore", "orders-db", BACKUP, "--dry-run", "--into", "other",
                       says="would be restored into other, after a safety snapshot")
        self.assertEqual(self.asked(line).body, {"safetySnapshot": True, "mode": "in-place",
                                                 "targetAddonId": "other", "dryRun": True})
        self.answer(line, (202, {"data": restore_record("scheduled")}))
        one = f"/v1/addons/orders-db/restores/{RESTORE}"
        self.answer(f"GET {one}", Sequence(restore_record("in-progress"), restore_record()))
        self.run_varve("backup", "restore", "orders-db", BACKUP, "--wait", "--no-safety-snapshot",
                       "--instant", says=("64.0 KiB of 1.0 GiB written", OTHER))
        self.assertEqual(self.asked(line).body, {"safetySnapshot": False, "mode": "instant"})
        self.answer("GET /v1/addons/orders-db/restores", [restore_record()])
        self.run_varve("backup", "restores", "orders-db", says=(RESTORE, "completed"))
        self.answer(f"POST {one}/abort", (202, {"data": restore_record("aborting")}))
        self.run_varve("backup", "abort-restore", "orders-db", RESTORE, says="told to stop")

    def test_a_drill_is_waited_for(self):
        self.answer(f"POST /v1/addons/orders-db/backups/{BACKUP}/verify",
                    (202, {"data": job_record("verify", "scheduled")}))
        self.answer(f"GET /v1/jobs/{JOB}", Sequence(
            job_record("verify", "in-progress"), job_record("verify")))
        words = ("backup", "verify", "orders-db", BACKUP, "--level", "restore", "--wait")
        self.run_varve(*words, says="passed at level restore")
        self.answer(f"GET /v1/jobs/{JOB}", job_record("verify", "failed", error="no answer"))
        self.run_varve(*words, expect=FAILURE, says="no answer")

    def test_logs_are_filtered_and_followed(self):
        line = f"GET /v1/addons/orders-db/backups/{BACKUP}/logs"
        entry = {"number": 1, "at": "2026-01-31T12:00:00.000Z", "level": "info", "text": "clone made"}
        self.answer(line, [entry])
        self.run_varve("backup", "logs", "orders-db", BACKUP, "--text", "a b", "--limit", "3",
                       "--newest-first", says="clone made")
        self.assertEqual(self.asked(line).query,
                         {"text": "a b", "limit": "3", "direction": "newest"})
        events = "".join(f": alive\n\nid: {i}\nevent: log\ndata: {json.dumps(entry)}\n\n"
                         for i in range(3))
        self.answer(line, (200, events))
        result = self.run_varve("backup", "logs", "orders-db", BACKUP, "--follow")
        self.assertEqual(result.out.count("clone made"), 3)
        self.assertEqual(self.asked(line).query, {"follow": "true"})
        self.answer(f"GET /v1/addons/orders-db/restores/{RESTORE}/logs", [entry])
        self.run_varve("backup", "logs", "orders-db", "--restore", RESTORE, says="clone made")
        self.run_varve("backup", "logs", "orders-db", expect=USAGE)

    def test_schedules(self):
        path = "/v1/addons/orders-db/backup-schedules"
        record = {"id": "s" * 26, "addonId": "orders-db", "backupType": "snapshot",
                  "scheduling": {"interval": "daily", "minute": [0, 30], "hour": [3]},
                  "retentionTime": 7, "runsInRetention": 14, "nextRunAt": None, "missed": 2,
                  "skipped": 0, "createdAt": "2026-01-31T12:00:00.000Z"}
        rule = ("--interval", "daily", "--minute", "0,30", "--hour", "3", "--retention", "7")
        self.answer(f"POST {path}", (201, {"data": record}))
        self.run_varve("schedule", "add", "orders-db", *rule, "--zone", "Europe/Berlin",
                       says=("0, 30", "daily"))
        self.assertEqual(self.asked(f"POST {path}").body, {
            "backupType": "snapshot", "retentionTime": 7,
            "scheduling": {"interval": "daily", "minute": [0, 30], "hour": [3],
                           "timeZone": "Europe/Berlin"}})
        self.run_varve("schedule", "add", "orders-db", "--interval", "daily", expect=USAGE,
                       says="--minute is missing")
        self.run_varve("schedule", "add", "orders-db", "--interval", "hourly", "--minute", "0,60",
                       "--retention", "7", expect=USAGE, says="60")
        preview = {"accepted": False, "refusal": "720 backups", "runsInRetention": 720,
                   "runsInRetentionMax": 500, "nextRuns": ["2026-02-01T03:00:00.000Z"]}
        self.answer(f"POST {path}/preview", preview)
        self.run_varve("schedule", "preview", "orders-db", *rule, expect=USAGE,
                       says=("would be refused: 720 backups", "2026-02-01 03:00:00"))
        one = f"{path}/{'s' * 26}"
        self.answer(f"PATCH {one}", record)
        self.run_varve("schedule", "set-retention", "orders-db", "s" * 26, "30")
        self.assertEqual(self.asked(f"PATCH {one}").body, {"retentionTime": 30})
        self.answer(f"DELETE {one}", {"id": "s" * 26, "removed": True})
        self.run_varve("schedule", "remove", "orders-db", "s" * 26, says="is removed")
        self.answer(f"GET {path}", [record])
        self.run_varve("schedule", "list", "orders-db", says="7 d")

    def test_the_agent_and_its_jobs(self):
        self.answer("GET /v1/jobs", [job_record("backup")])
        self.run_varve("jobs", "--status", "completed", says=(JOB, "backup"))
        self.assertEqual(self.asked("GET /v1/jobs").query["status"], "completed")
        self.answer("GET /readyz", {"status": "ok", "version": "0.1.0"})
        self.answer("GET /v1/repositories", [{"id": "default", "path": "/r", "encrypted": False}])
        self.run_varve("agent", "status", says=("0.1.0", "default: /r"))
        self.answer("POST /v1/repositories/default/adopt", {"backups": 3})
        self.run_varve("agent", "adopt", "default", says="repository default: 3")

    def test_refusals_are_exit_codes_with_the_agents_words(self):
        for status, code in ((400, USAGE), (401, DENIED), (403, DENIED), (404, NOT_FOUND),
                             (409, WRONG_STATE), (413, USAGE), (422, USAGE), (429, BUSY),
                             (500, FAILURE), (507, NO_SPACE)):
            self.answer("GET /v1/addons/x", refusal(status, f"reason {status}"))
            self.run_varve("addon", "show", "x", expect=code, says=f"reason {status}")
        failed = self.run_varve("addon", "show", "x", "--json", expect=NO_SPACE).json()
        self.assertEqual(failed["error"]["exitCode"], NO_SPACE)

    def test_an_answer_that_is_none_is_a_failure(self):
        for text in ("", "<html>", '{"other": 1}', "[" * 200 + "]" * 200, '{"data": '):
            self.answer("GET /v1/addons/x", (200, text))
            self.run_varve("addon", "show", "x", expect=FAILURE, says="none of varved's")

    def test_names_stay_in_their_place_in_the_path(self):
        self.run_varve("addon", "show", "../../x?y=z#", expect=NOT_FOUND)
        self.assertEqual(self.agent.requests[0].path, "/v1/addons/..%2F..%2Fx%3Fy%3Dz%23")

    def test_where_the_agent_is_and_who_one_is(self):
        token = self.path("token")
        varve_command.write_file(token, b"secret-token\n")
        os.chmod(token, 0o600)
        self.answer("GET /v1/addons", [])
        named = {**self.environment, "VARVE_TOKEN_FILE": token}
        self.run_varve("addon", "list", env=named)
        self.assertEqual(self.asked("GET /v1/addons").headers["Authorization"],
                         "Bearer secret-token")
        os.chmod(token, 0o644)
        self.run_varve("addon", "list", env=named, expect=DENIED, says="chmod 600")
        os.chmod(token, 0o600)
        for content, says in ((b"", "holds no token"), (b"two words", "of one word"),
                              (b"a\nX-Evil: b", "of one word")):
            varve_command.write_file(token, content)
            self.run_varve("addon", "list", env=named, expect=USAGE, says=says)
        for url in ("http://localhost", "unix://relative", "https://", "https://h/path",
                    "https://u@h", "ftp://x", "nonsense"):
            self.run_varve("addon", "list", env=environment(VARVE_URL=url), expect=USAGE, says=url)
        nowhere = environment(VARVE_URL="unix://" + self.path("nobody.sock"))
        self.run_varve("addon", "list", env=nowhere, expect=UNREACHABLE, says="nobody.sock")
        self.run_varve("addon", "list", env=environment(VARVE_URL="https://127.0.0.1:1"),
                       expect=UNREACHABLE)

    def test_nouns_say_what_can_be_done(self):
        self.run_varve("backup", expect=USAGE, says="varve help backup")
        self.run_varve("help", "backup", says=("create", "Take a backup now"))
        self.run_varve("backup", "--help", says="create")
        self.run_varve("help", "backup", "create", says="--wait")
        self.run_varve("backup", "create", "--help", says="--wait")
        self.run_varve("backup", "craete", expect=USAGE, says="did you mean backup create?")
        self.run_varve("addon", "show", "x", "--repo", "y", expect=USAGE, says="--repo")


if __name__ == "__main__":
    unittest.main()
