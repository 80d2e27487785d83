#include "simgpu/metrics/process.h"

#include <regex>

#include <gmock/gmock.h>

#include "fakes/fake_files.h"
#include "simgpu/base/files.h"

namespace simgpu::metrics {
namespace {

using testing::HasSubstr;

double valueOf(const std::string& text, const std::string& name) {
  std::smatch match;
  return std::regex_search(text, match, std::regex("\n" + name + " (\\S+)\n")) ? std::stod(match[1]) : -1;
}

TEST(ProcessMetrics, WhatCannotBeReadStaysZero) {
  fakes::FakeFiles files;
  Registry registry;
  addProcessMetrics(registry, files);

  EXPECT_THAT(registry.text(), HasSubstr("process_cpu_seconds_total 0\n"));
}

TEST(ProcessMetrics, NonsenseStaysZero) {
  fakes::FakeFiles files;
  for (const char* content : {"", ")", "1 (x) S 1", "1 (a) b c d e f g h i j k l m n o p q r s t u v w x y z"}) {
    files.put("/proc/self/stat", content);
    files.put("/proc/self/limits", "Max open files");
    files.put("/proc/stat", "btime");
    Registry registry;
    addProcessMetrics(registry, files);
    EXPECT_EQ(valueOf(registry.text(), "process_resident_memory_bytes"), 0) << content;
  }
}

TEST(ProcessMetrics, TheNameOfTheProgramMayHoldAnything) {
  fakes::FakeFiles files;
  files.put("/proc/self/stat",
            "42 (a) b (c) S 1 42 42 0 -1 4194560 1 0 0 0 300 200 0 0 20 0 9 0 5000 1048576 25 184467 1 1 0");
  files.put("/proc/stat", "cpu  1 2 3\nbtime 1700000000\nprocesses 7\n");
  files.put("/proc/self/limits", "Limit  Soft Limit  Hard Limit  Units\nMax open files  1024  4096  files\n");
  Registry registry;
  addProcessMetrics(registry, files);

  std::string text = registry.text();
  EXPECT_EQ(valueOf(text, "process_cpu_seconds_total"), 5);
  EXPECT_EQ(valueOf(text, "process_virtual_memory_bytes"), 1048576);
  EXPECT_EQ(valueOf(text, "process_start_time_seconds"), 1700000050);
  EXPECT_EQ(valueOf(text, "process_max_fds"), 1024);
}

TEST(ProcessMetrics, OfThisProcessAreThere) {
  base::PosixFiles files;
  Registry registry;
  addProcessMetrics(registry, files);

  std::string text = registry.text();
  EXPECT_GT(valueOf(text, "process_resident_memory_bytes"), 1 << 20);
  EXPECT_GE(valueOf(text, "process_open_fds"), 3);
  EXPECT_GE(valueOf(text, "process_max_fds"), valueOf(text, "process_open_fds"));
  EXPECT_GT(valueOf(text, "process_start_time_seconds"), 1e9);
}

}  // namespace
}  // namespace simgpu::metrics
