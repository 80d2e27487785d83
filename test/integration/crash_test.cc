// The real program is killed at random moments, again and again, while several callers prepare and unprepare claims.
//
// SIMGPU_CRASH_ROUNDS sets how often, SIMGPU_CRASH_SEED repeats a run as far as the threads allow.

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "integration/kubelet_calls.h"
#include "integration/node.h"
#include "simgpu/cdi/spec.h"
#include "simgpu/claim/record.h"

namespace simgpu::integration {
namespace {

using namespace std::chrono_literals;
using Devices = std::vector<standin::PreparedDevice>;
using Random = std::mt19937_64;

constexpr std::size_t kGpus = 9;
constexpr std::size_t kClaims = 24;
constexpr std::size_t kCallers = 4;
constexpr std::uint64_t kUsualRounds = 50;

std::uint64_t numberFrom(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): nobody changes it
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::size_t below(Random& random, std::size_t limit) {
  return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
}

/// A claim, and what the kubelet knows of it.
struct Known {
  enum class State { unprepared, prepared, unknown };

  claim::ClaimRef ref;
  std::string device;
  std::atomic<State> state = State::unprepared;
  std::optional<Devices> answer;  ///< The first; all others must be the same.
  std::string metadata;           ///< The content of its file, once it was prepared.
  std::mutex busy;                ///< The kubelet has one call for a claim at a time.
};

class KillTest : public NodeTest {
 protected:
  KillTest() {
    std::filesystem::create_directories(cdiRoot);
    std::filesystem::create_directories(metadataRoot);
    for (const auto& file : foreign) {
      std::ofstream(file) << "somebody's";
    }
    for (std::size_t i = 0; i < kClaims; ++i) {
      claims[i].device = "gpu-" + std::to_string(i % kGpus);
      claims[i].ref =
          cluster.claim("claim-" + std::to_string(i), fakes::AllocationBuilder().device(claims[i].device).build());
      cluster.reserve(claims[i].ref.name, "pod");
    }
  }

  DaemonProcess start() { return startDriver({"--device-metadata"}); }

  /// Waits for the socket of a process that was just started; its predecessor may have left another.
  bool awaitSocket(const std::optional<base::FileInfo>& predecessor) {
    return fakes::eventually([&] {
      auto now = files.info(socket);
      return now && *now != predecessor;
    });
  }

  std::optional<base::FileInfo> socketNow() {
    auto info = files.info(socket);
    return info ? std::optional(*info) : std::nullopt;
  }

  /// Calls the driver until it is dead.
  void callUntilDeath(KubeletCalls& calls, Random random) {
    for (bool alive = true; alive;) {
      Known& known = claims[below(random, kClaims)];
      std::unique_lock lock(known.busy, std::try_to_lock);
      if (!lock) {
        std::this_thread::yield();
      } else if (known.state != Known::State::unprepared && below(random, 2) == 0) {
        alive = unprepare(calls, known);
      } else if (!isHeldByAnother(known) || below(random, 64) == 0) {
        alive = prepare(calls, known);
      }
    }
  }

  /// Prepare would wait for the device. It may have been given up when the next look is taken, so this is a guess.
  bool isHeldByAnother(const Known& wanted) const {
    return std::ranges::any_of(claims, [&](const Known& other) {
      return &other != &wanted && other.device == wanted.device && other.state != Known::State::unprepared;
    });
  }

  /// False if there was no answer.
  bool prepare(KubeletCalls& calls, Known& known) {
    if (known.state == Known::State::unprepared) {
      known.state = Known::State::unknown;
    }
    auto devices = calls.prepare(known.ref);
    if (!devices) {
      return !KubeletCalls::isUnanswered(devices.error());
    }
    if (!known.answer) {
      known.answer = *devices;
    }
    EXPECT_EQ(*devices, *known.answer) << known.ref.name;
    known.state = Known::State::prepared;
    ++answers;
    return true;
  }

  bool unprepare(KubeletCalls& calls, Known& known) {
    known.state = Known::State::unknown;
    Status ended = calls.unprepare(known.ref);
    if (!ended) {
      EXPECT_TRUE(KubeletCalls::isUnanswered(ended)) << ended.toString();
      return false;
    }
    known.state = Known::State::unprepared;
    ++answers;
    return true;
  }

  /// What must hold whenever no process runs.
  void checkDirectories() {
    std::set<std::string> held;
    for (Known& known : claims) {
      SCOPED_TRACE(known.ref.name);
      if (!std::filesystem::exists(specOf(known.ref))) {
        EXPECT_NE(known.state, Known::State::prepared) << "what was prepared is gone";
        continue;
      }
      EXPECT_NE(known.state, Known::State::unprepared) << "what was unprepared is there";
      const claim::SpecNaming naming{.driverName = kDriver, .cdiClass = "gpu"};
      auto record = claim::readRecord(naming, known.ref.uid, cdi::parse(contentOf(specOf(known.ref))));
      ASSERT_EQ(record.origin, claim::Record::Origin::ours);
      for (const claim::HeldDevice& device : record.held) {
        EXPECT_TRUE(held.insert(device.device).second) << device.device << " is held twice";
      }
      checkRecord(known, record);
    }
    for (const auto& file : foreign) {
      EXPECT_EQ(contentOf(file), "somebody's") << file;
    }
  }

  void checkRecord(Known& known, const claim::Record& record) {
    if (known.answer) {
      ASSERT_EQ(record.prepared.devices.size(), known.answer->size());
      EXPECT_EQ(record.prepared.devices[0].device, known.answer->at(0).device);
      EXPECT_EQ(record.prepared.devices[0].cdiIds, known.answer->at(0).cdiDeviceIds);
    }
    std::string metadata = contentOf(metadataOf(known));
    EXPECT_NE(metadata, "") << "the runtime could not mount it";
    if (known.metadata.empty()) {
      known.metadata = metadata;
    }
    EXPECT_EQ(metadata, known.metadata);
  }

  std::filesystem::path metadataOf(const Known& known) const { return metadataRoot / (known.ref.uid + "_gpu.json"); }

  std::set<std::filesystem::path> temporaries() const {
    std::set<std::filesystem::path> found;
    for (const auto& directory : {cdiRoot, metadataRoot}) {
      for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        if (entry.path().extension() == ".tmp") {
          found.insert(entry.path());
        }
      }
    }
    return found;
  }

  /// As if the process that wrote them had died ten minutes ago.
  void ageTemporaries() const {
    for (const auto& file : temporaries()) {
      std::filesystem::last_write_time(file, std::filesystem::file_time_type::clock::now() - 10min);
    }
  }

  /// One process from its start to its death.
  void live(Random& random) {
    std::filesystem::remove(log);
    auto predecessor = socketNow();
    DaemonProcess driver = start();
    std::optional<KubeletCalls> calls;
    std::vector<std::jthread> callers;
    if (below(random, 10) != 0) {
      ASSERT_TRUE(awaitSocket(predecessor)) << driverLog();
      calls.emplace(socket);
      for (std::size_t i = 0; i < kCallers; ++i) {
        callers.emplace_back([this, &calls, seed = random()] { callUntilDeath(*calls, Random(seed)); });
      }
    }
    if (calls && below(random, 2) == 0) {
      std::size_t before = answers;
      ASSERT_TRUE(fakes::eventually([&] { return answers > before; })) << "it has to be killed while it works, too";
    }
    // Waits for nothing: this is the random moment.
    std::this_thread::sleep_for(std::chrono::microseconds(below(random, 60'000)));
    driver.signal(SIGKILL);
    ASSERT_EQ(driver.wait(), 128 + SIGKILL) << driverLog();
  }

  /// The last process is left alone: everything is as it was answered, and can be given up.
  void settle() {
    auto predecessor = socketNow();
    DaemonProcess driver = start();
    ASSERT_TRUE(awaitSocket(predecessor)) << driverLog();
    KubeletCalls calls(socket);
    for (Known& known : claims) {
      if (known.state == Known::State::prepared) {
        auto written = files.info(specOf(known.ref));
        EXPECT_TRUE(prepare(calls, known)) << known.ref.name;
        EXPECT_EQ(*files.info(specOf(known.ref)), *written) << "it was prepared already";
      }
    }
    for (Known& known : claims) {
      EXPECT_TRUE(unprepare(calls, known)) << known.ref.name;
    }
    checkDirectories();
    EXPECT_TRUE(fakes::eventually([&] { return temporaries().empty(); })) << *temporaries().begin();
    EXPECT_EQ(cdiFiles().size(), 1u) << "of somebody else";
    driver.signal(SIGTERM);
    EXPECT_EQ(driver.wait(), 0);
  }

  const std::filesystem::path pluginRoot = kubeletRoot / "plugins" / kDriver;
  const std::filesystem::path metadataRoot = pluginRoot / "dra-device-metadata";
  const std::filesystem::path socket = pluginRoot / "dra.sock";
  const std::vector<std::filesystem::path> foreign = {cdiRoot / "vendor.yaml", metadataRoot / "README"};
  std::array<Known, kClaims> claims;
  std::atomic<std::size_t> answers = 0;
};

TEST_F(KillTest, WheneverItIsKilledTheNextProcessKnowsWhatWasAnsweredAndNothingElse) {
  std::uint64_t rounds = numberFrom("SIMGPU_CRASH_ROUNDS", kUsualRounds);
  std::uint64_t seed = numberFrom("SIMGPU_CRASH_SEED", std::random_device()());
  std::cout << fmt::format("{} rounds, SIMGPU_CRASH_SEED={}\n", rounds, seed);
  Random random(seed);
  std::size_t left = 0;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    SCOPED_TRACE(fmt::format("round {} of SIMGPU_CRASH_SEED={}", round, seed));
    ASSERT_NO_FATAL_FAILURE(live(random));
    checkDirectories();
    left += temporaries().size();
    ageTemporaries();
    ASSERT_FALSE(HasFailure()) << driverLog();
  }
  settle();
  std::cout << fmt::format("{} answers; {} temporary files were left and removed\n", answers.load(), left);
}

}  // namespace
}  // namespace simgpu::integration
