// Programs of the operator's, bounded: what they may and may not do to the agent.
#include "agent/process/command.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "agent/process/redaction.h"
#include "sim/expect_status.h"
#include "sim/temporary_directory.h"

namespace varve::agent {
namespace {

using std::chrono::milliseconds;

CommandRequest Python(const std::string& program, std::vector<std::string> words = {}) {
  CommandRequest request;
  request.argv = {"/usr/bin/python3", "-c", program};
  request.argv.insert(request.argv.end(), words.begin(), words.end());
  return request;
}

bool IsRunning(int process) {
  std::ifstream stat("/proc/" + std::to_string(process) + "/stat");
  std::string number, name, state;
  return (stat >> number >> name >> state) && state != "Z";
}

TEST(Command, WordsArriveAsTheyAreWithoutAShell) {
  CommandRequest request =
      Python("import sys; print(sys.argv[1:])", {"$(id)", "a b", "; rm *", ""});
  const auto result = RunCommand(request);
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ(result->exit_code, 0);
  EXPECT_EQ(result->output, "['$(id)', 'a b', '; rm *', '']\n");
}

TEST(Command, ExitCodesAndSignalsAreResults) {
  const auto seven = RunCommand(Python("raise SystemExit(7)"));
  ASSERT_TRUE(seven.ok());
  EXPECT_EQ(seven->exit_code, 7);
  const auto killed = RunCommand(Python("import os; os.kill(os.getpid(), 9)"));
  ASSERT_TRUE(killed.ok());
  EXPECT_EQ(killed->exit_code, 128 + 9);
}

TEST(Command, MissingProgramsAndEmptyOnesAreRefused) {
  EXPECT_EQ(RunCommand({}).status().code(), Code::kInvalidArgument);
  CommandRequest request;
  request.argv = {"/no/such/program"};
  const auto missing = RunCommand(request);
  EXPECT_EQ(missing.status().code(), Code::kNotFound);
  EXPECT_NE(missing.status().message().find("/no/such/program"), std::string::npos);
}

TEST(Command, NothingOfTheAgentIsInherited) {
  setenv("VARVE_TEST_CANARY", "leaked", 1);
  CommandRequest request = Python(
      "import os, sys\n"
      "print('canary' if 'VARVE_TEST_CANARY' in os.environ else 'clean', os.environ['GIVEN'])\n"
      "print(sorted(int(n) for n in os.listdir('/proc/self/fd') if int(n) < 100)[:3])\n"
      "print(len(os.listdir('/proc/self/fd')), repr(sys.stdin.read()), os.getpgrp() == "
      "os.getpid())");
  request.environment["GIVEN"] = "yes";
  const auto result = RunCommand(request);
  unsetenv("VARVE_TEST_CANARY");
  ASSERT_TRUE(result.ok());
  // The fourth descriptor is the listing's own.
  EXPECT_EQ(result->output, "clean yes\n[0, 1, 2]\n4 '' True\n");
}

TEST(Command, AHangingGroupIsEndedAsAWhole) {
  const TemporaryDirectory directory;
  // Both ignore SIGTERM; the grandchild outlives its parent.
  CommandRequest request = Python(
      "import signal, subprocess, sys, time\n"
      "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
      "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
      "open(sys.argv[1], 'w').write(str(child.pid)); print('waiting', flush=True)\n"
      "time.sleep(600)",
      {directory.File("pid")});
  request.timeout = milliseconds(1500);
  std::vector<std::string> lines;
  const Status status =
      RunHook("stop hook", request, [&](const std::string& line) { lines.push_back(line); });
  EXPECT_EQ(status.code(), Code::kIo);
  EXPECT_EQ(status.message(), "stop hook: /usr/bin/python3 timed out after 1.5 s");
  EXPECT_EQ(lines, std::vector<std::string>{"waiting"});
  int grandchild = 0;
  ASSERT_TRUE(std::ifstream(directory.File("pid")) >> grandchild);
  EXPECT_FALSE(IsRunning(grandchild));
}

TEST(Command, CancellingEndsIt) {
  Progress progress;
  CommandRequest request = Python("import time; time.sleep(600)");
  request.cancel = &progress;
  progress.cancelled = true;
  EXPECT_EQ(RunCommand(request).status().code(), Code::kCancelled);
}

TEST(Command, AGigabyteOfOutputIsReadAndDropped) {
  CommandRequest request = Python(
      "import os\nblock = b'x' * (1 << 20)\nfor _ in range(1024):\n  left = block\n"
      "  while left: left = left[os.write(1, left):]");
  request.output_bytes_max = 1000;
  const auto result = RunCommand(request);
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ(result->exit_code, 0);
  EXPECT_EQ(result->output, std::string(1000, 'x') + "\n(" + std::to_string((1ull << 30) - 1000) +
                                " bytes more were dropped)\n");
}

TEST(Command, WhatAHookStartsStaysAndIsNotWaitedFor) {
  const TemporaryDirectory directory;
  CommandRequest request = Python(
      "import subprocess, sys\n"
      "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
      "print(child.pid)");
  const auto result = RunCommand(request);
  ASSERT_TRUE(result.ok()) << result.status().message();
  const int daemon = std::stoi(result->output);
  EXPECT_TRUE(IsRunning(daemon));
  kill(daemon, SIGKILL);
}

TEST(Command, AFailingHookIsNamedWithItsLastLine) {
  std::vector<std::string> lines;
  const Status status =
      RunHook("health hook", Python("print('first', flush=True); raise SystemExit('no socket')"),
              [&](const std::string& line) { lines.push_back(line); });
  EXPECT_EQ(status.code(), Code::kIo);
  EXPECT_EQ(status.message(), "health hook: /usr/bin/python3 ended with exit code 1: no socket");
  EXPECT_EQ(lines.size(), 2u);
}

TEST(Redaction, SecretsOfManyShapesAreTakenOut) {
  EXPECT_EQ(Redacted("dsn postgresql://app:hunter2@db:5432/x ok"),
            "dsn postgresql://app:***@db:5432/x ok");
  EXPECT_EQ(Redacted("PASSWORD='two words' host=a"), "PASSWORD=*** host=a");
  EXPECT_EQ(Redacted("?token=abc&x=1 Authorization: Bearer zzz"),
            "?token=***&x=1 Authorization: Bearer ***");
  EXPECT_EQ(Redacted("it said s3cret, s3cret", {"s3cret", ""}), "it said ***, ***");
  EXPECT_EQ(Redacted("http://host:80/a@b nothing"), "http://host:80/a@b nothing");
}

}  // namespace
}  // namespace varve::agent
