#include "kube/process.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes/result_matchers.h"

namespace simgpu::kube {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

Result<std::string> shell(const std::string& script, milliseconds timeout = std::chrono::seconds(20),
                          const std::stop_token& stop = {}) {
  PosixProcessRunner runner;
  return runner.run({.program = "sh", .args = {"-c", script}, .env = {{"GREETING", "hello"}}}, timeout, stop);
}

TEST(ProcessRunner, AProgramThatIsNotThereIsNotFound) {
  PosixProcessRunner runner;
  EXPECT_THAT(runner.run({.program = "/no/such/program", .args = {}, .env = {}}, milliseconds(1000), {}),
              Fails(Code::notFound, HasSubstr("/no/such/program")));
}

TEST(ProcessRunner, AFailureHasItsExitCodeOrSignal) {
  EXPECT_THAT(shell("echo out; exit 3"), Fails(Code::unavailable, HasSubstr("exit code 3")));
  EXPECT_THAT(shell("kill -9 $$"), Fails(Code::unavailable, HasSubstr("signal 9")));
}

TEST(ProcessRunner, WhatDoesNotEndIsKilledWithItsChildren) {
  auto before = std::chrono::steady_clock::now();
  EXPECT_THAT(shell("sleep 1000 & sleep 1000", milliseconds(100)), Fails(Code::deadlineExceeded, HasSubstr("killed")));
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(15));
}

TEST(ProcessRunner, WhatIsNoLongerWantedIsKilled) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THAT(shell("sleep 1000", std::chrono::seconds(20), stop.get_token()),
              Fails(Code::cancelled, HasSubstr("killed")));
}

TEST(ProcessRunner, EndlessOutputIsCutOff) {
  EXPECT_THAT(shell("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done"),
              Fails(Code::unavailable, HasSubstr("wrote more than")));
}

TEST(ProcessRunner, AChildLeftBehindDoesNotHoldUpTheAnswer) {
  EXPECT_THAT(shell("sleep 5 & echo done"), IsOkAndHolds("done\n"));
}

TEST(ProcessRunner, OutputAndEnvironmentArePassed) {
  EXPECT_THAT(shell("echo \"$GREETING\"; test -n \"$PATH\" && cat"), IsOkAndHolds("hello\n"));
}

}  // namespace
}  // namespace simgpu::kube
