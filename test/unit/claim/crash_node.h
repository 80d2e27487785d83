#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "fakes/cluster.h"
#include "fakes/fake_clock.h"
#include "fakes/fake_files.h"
#include "fakes/fixed_random.h"
#include "fakes/recorded_events.h"
#include "fakes/result_matchers.h"
#include "simgpu/claim/preparer.h"

namespace simgpu::claim {

/// Two claims that compete for devices: the first has gpu-0, or gpu-2 after it was allocated anew; the second has gpu-0
/// and gpu-1, always.
inline constexpr std::size_t kClaims = 2;

/// Which allocation of a claim is prepared, or `kNothing`.
using Outcome = int;
inline constexpr Outcome kNothing = -1;

/// What a kubelet or an administrator does.
struct Step {
  enum class Kind { prepare, prepareAnew, unprepare, restart };

  Kind kind = Kind::restart;
  std::size_t claim = 0;

  bool isPrepare() const { return kind == Kind::prepare || kind == Kind::prepareAnew; }
  std::string text() const;
};

/// How a process ends.
struct Crash {
  std::string name;
  /// The file system has no files without names, and a write that is cut off leaves a part of the file.
  bool torn = false;
  bool powerCut = false;
  /// After a power cut: the directories whose names were on the disk although nobody had synced them.
  std::vector<std::filesystem::path> written = {};
  std::string bootId = "boot-1";  ///< Of the next process.

  friend void PrintTo(const Crash& crash, std::ostream* out) { *out << crash.name; }
};

/// What happens to the next process first.
enum class Next {
  retry,       ///< The kubelet asks again what was not answered.
  giveUp,      ///< It unprepares the claim instead.
  otherClaim,  ///< It asks for the other claim, then again.
};

/// The API server and the devices, the same for every node.
class CrashWorld {
 public:
  CrashWorld();

  /// What the API server says from now on.
  void allocate(std::size_t claim, Outcome allocation) { allocation_[claim] = allocation; }

  const ClaimRef& claim(std::size_t index) const { return claims_[index]; }
  static std::set<std::string> devices(std::size_t claim, Outcome allocation);

  /// What is right for a claim and its allocation: what the first Prepare of it, on whatever node, answered and wrote.
  struct Right {
    PreparedClaim answer;
    std::string metadata;
  };
  std::array<std::map<Outcome, Right>, kClaims> right;

  fakes::FakeClock clock;
  fakes::FixedRandom random;
  standin::ApiServer server{clock};
  std::unique_ptr<kube::Transport> transport = server.transport();
  kube::Client api{*transport, clock, {.qps = 0}, {}};
  device::Inventory inventory;
  metrics::Registry registry;
  Instruments instruments{registry};
  fakes::RecordedEvents events;

 private:
  std::array<ClaimRef, kClaims> claims_{};
  std::array<std::array<std::string, 2>, kClaims> objects_;  ///< In JSON, by allocation.
  std::array<Outcome, kClaims> allocation_{};
};

/// A node whose driver is killed, and what must hold there whatever happens.
class CrashNode {
 public:
  static inline const std::filesystem::path kRoot = "/var/run/cdi";
  static inline const std::filesystem::path kMetadata = "/plugins/dra-device-metadata";

  /// `unnamedFiles`: whether its file system has files without names, so that specs can be staged in them.
  CrashNode(CrashWorld& world, bool unnamedFiles);
  ~CrashNode();

  /// One step that nothing disturbs.
  void play(const Step& step);

  /// One step of a process that does nothing any more after that many operations, and after the step at the latest.
  /// Operations that only look do not count: dying before one of them is the same as dying before the next other.
  /// True if the step was over before.
  bool playAndCrash(const Step& step, const Crash& crash, std::size_t operations);

  /// A second process beside the first, as in a rolling update, that knows what is prepared.
  void startSecond();

  /// The next process takes over: the second, or a new one. Checks all that must hold, and lets the kubelet go on.
  void checkWhatIsLeft(const Step& interrupted, const Crash& crash, Next next);

  /// Whether a step would change anything.
  bool changes(const Step& step) const;

  /// The operation before which the process died.
  const std::string& diedBefore() const { return diedBefore_; }

 private:
  struct Process {
    std::unique_ptr<Store> store;
    std::unique_ptr<Preparer> preparer;
  };

  Process start(const std::string& bootId);
  Result<PreparedClaim> perform(const Step& step);
  void settle(const Step& step, const Result<PreparedClaim>& answer);
  void widen(const Step& step);
  bool isBlocked(std::size_t claim, Outcome allocation) const;
  void cutPower(const Crash& crash);

  std::optional<Record> recordOnDisk(std::size_t claim) const;
  Outcome outcomeOnDisk(std::size_t claim) const;
  std::string metadataOnDisk(std::size_t claim) const;
  void checkRecords(bool mountable) const;
  void checkIndex();
  void checkNothingIsLeftOver() const;
  void checkForeignFiles() const;
  void prepareOther(std::size_t claim);
  void goOn(const Step& step);

  CrashWorld& world_;
  fakes::FakeFiles files_;
  std::string bootId_ = "boot-1";
  Process process_;
  std::optional<Process> second_;
  std::array<std::set<Outcome>, kClaims> outcomes_;  ///< Those that are allowed for each claim.
  std::string diedBefore_;
};

}  // namespace simgpu::claim
