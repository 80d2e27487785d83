#include "unit/claim/crash_node.h"

#include <algorithm>
#include <span>
#include <utility>

#include "simgpu/claim/metadata.h"

namespace simgpu::claim {
namespace {

using testing::IsEmpty;

constexpr std::array<const char*, kClaims> kNames = {"first", "second"};
const SpecNaming kNaming{.driverName = "gpu.example.com", .cdiClass = "gpu"};
const std::filesystem::path kLockFile = "/plugins/serialize.lock";

/// What others have in the directories, by path: it is never touched.
const std::map<std::filesystem::path, std::string> kForeign = {
    {CrashNode::kRoot / "vendor.yaml", "cdiVersion: 0.6.0"},
    {CrashNode::kRoot / "k8s.net.example.com-net_u-1.yaml", "the spec of another driver"},
    {CrashNode::kRoot / ".k8s.net.example.com-net_u-2.yaml.0-1.tmp", "what another driver is about to write"},
    {CrashNode::kRoot / "k8s.gpu.example.com-gpu_notes.txt", "no spec"},
    {CrashNode::kMetadata / "README", "somebody's"},
};

bool onlyLooks(std::string_view operation) {
  return operation == "read" || operation == "list" || operation == "info" || operation == "readLock";
}

nlohmann::json allocationJson(std::size_t claim, Outcome allocation) {
  fakes::AllocationBuilder builder;
  for (const std::string& device : CrashWorld::devices(claim, allocation)) {
    builder.device(device);
  }
  return builder.build();
}

Outcome allocationOf(const Step& step) {
  return step.kind == Step::Kind::prepareAnew ? 1 : 0;
}

}  // namespace

std::string Step::text() const {
  switch (kind) {
    case Kind::prepare:
      return fmt::format("prepare {}", kNames[claim]);
    case Kind::prepareAnew:
      return fmt::format("prepare {} with another allocation", kNames[claim]);
    case Kind::unprepare:
      return fmt::format("unprepare {}", kNames[claim]);
    case Kind::restart:
      return "restart";
  }
  return {};
}

CrashWorld::CrashWorld()
    : inventory(*device::Inventory::create(*device::Profile::embedded("gpu"),
                                           {.nodeName = "node-a", .driverName = "gpu.example.com"})) {
  fakes::Cluster cluster(server);
  for (std::size_t claim = 0; claim < kClaims; ++claim) {
    claims_[claim] = cluster.claim(kNames[claim], allocationJson(claim, 0));
    for (Outcome allocation : {0, 1}) {
      cluster.reallocate(kNames[claim], allocationJson(claim, allocation));
      objects_[claim][static_cast<std::size_t>(allocation)] =
          server.get(fakes::Cluster::claimPath(kNames[claim]))->dump();
    }
  }
  server.intercept([this](const kube::HttpRequest& request) {
    std::optional<kube::HttpResponse> response;
    for (std::size_t claim = 0; claim < kClaims; ++claim) {
      if (request.target == fakes::Cluster::claimPath(kNames[claim])) {
        response = {.status = 200, .body = objects_[claim][static_cast<std::size_t>(allocation_[claim])]};
      }
    }
    return response;
  });
}

std::set<std::string> CrashWorld::devices(std::size_t claim, Outcome allocation) {
  if (allocation == kNothing) {
    return {};
  }
  if (claim == 0) {
    return {allocation == 0 ? "gpu-0" : "gpu-2"};
  }
  return {"gpu-0", "gpu-1"};
}

CrashNode::CrashNode(CrashWorld& world, bool unnamedFiles) : world_(world) {
  EXPECT_OK(files_.createDirectories("/plugins", 0750));
  for (const auto& [file, content] : kForeign) {
    files_.put(file, content);
  }
  files_.supportUnnamed(unnamedFiles);
  outcomes_.fill({kNothing});
  process_ = start(bootId_);
}

CrashNode::~CrashNode() {
  files_.failWhen({});
}

CrashNode::Process CrashNode::start(const std::string& bootId) {
  Process process;
  auto store = Store::open({.naming = kNaming,
                            .cdiRoot = kRoot,
                            .lockFile = kLockFile,
                            .bootId = bootId,
                            .metadataDirectory = kMetadata,
                            .deviceMetadata = true,
                            .inventory = &world_.inventory},
                           files_, world_.clock, world_.instruments, {});
  if (store) {
    process.store = *std::move(store);
    process.preparer =
        std::make_unique<Preparer>(world_.inventory, *process.store, world_.api, world_.clock, world_.random,
                                   Preparer::Listeners{}, world_.events, world_.instruments, base::Logger());
  }
  return process;
}

void CrashNode::startSecond() {
  second_ = start(bootId_);
  ASSERT_NE(second_->store, nullptr);
}

bool CrashNode::isBlocked(std::size_t claim, Outcome allocation) const {
  std::set<std::string> wanted = CrashWorld::devices(claim, allocation);
  std::size_t other = 1 - claim;
  return std::ranges::any_of(outcomes_[other], [&](Outcome outcome) {
    std::set<std::string> held = CrashWorld::devices(other, outcome);
    return std::ranges::any_of(held, [&](const std::string& device) { return wanted.contains(device); });
  });
}

bool CrashNode::changes(const Step& step) const {
  const std::set<Outcome>& now = outcomes_[step.claim];
  switch (step.kind) {
    case Step::Kind::prepare:
      return !now.contains(0) && !isBlocked(step.claim, 0);
    case Step::Kind::prepareAnew:
      return !now.contains(1) && !isBlocked(step.claim, 1);
    case Step::Kind::unprepare:
      return !now.contains(kNothing);
    case Step::Kind::restart:
      return true;
  }
  return false;
}

void CrashNode::play(const Step& step) {
  settle(step, perform(step));
}

bool CrashNode::playAndCrash(const Step& step, const Crash& crash, std::size_t operations) {
  bool dead = false;
  files_.failWhen([&](std::string_view operation, const std::filesystem::path& path) {
    if (!dead && !onlyLooks(operation) && operations-- == 0) {
      dead = true;
      diedBefore_ = fmt::format("{} {}", operation, path.native());
      if (crash.torn && operation == "write") {
        files_.put(path, "cdiVer");
      }
    }
    return dead ? Status::internal("the process is dead") : Status();
  });
  auto answer = perform(step);
  bool over = !dead;
  if (over) {
    settle(step, answer);
    diedBefore_ = "the next call";
  } else {
    widen(step);
  }
  dead = true;
  process_ = {};
  files_.failWhen({});
  if (crash.powerCut) {
    cutPower(crash);
  }
  return over;
}

Result<PreparedClaim> CrashNode::perform(const Step& step) {
  std::span<const ClaimRef> claims(&world_.claim(step.claim), 1);
  switch (step.kind) {
    case Step::Kind::prepare:
    case Step::Kind::prepareAnew:
      world_.allocate(step.claim, allocationOf(step));
      // Without time to wait for a device.
      return std::move(process_.preparer->prepare(claims, {.deadline = world_.clock.now()}).front());
    case Step::Kind::unprepare:
      if (Status ended = process_.preparer->unprepare(claims, {}).front(); !ended) {
        return unexpected(ended);
      }
      return PreparedClaim();
    case Step::Kind::restart:
      process_ = {};
      process_ = start(bootId_);
      return process_.store ? Result<PreparedClaim>() : unexpected(Status::internal("the driver does not start"));
  }
  return {};
}

/// The step was over and answered: from now on its outcome is certain.
void CrashNode::settle(const Step& step, const Result<PreparedClaim>& answer) {
  if (step.isPrepare() && isBlocked(step.claim, allocationOf(step))) {
    EXPECT_THAT(answer, Fails(Code::failedPrecondition, testing::HasSubstr("in use")));
    return;
  }
  ASSERT_OK(answer) << step.text();
  if (step.isPrepare()) {
    outcomes_[step.claim] = {allocationOf(step)};
    CrashWorld::Right right{.answer = *answer, .metadata = metadataOnDisk(step.claim)};
    auto [known, first] = world_.right[step.claim].try_emplace(allocationOf(step), right);
    EXPECT_EQ(known->second.answer, right.answer);
    EXPECT_EQ(known->second.metadata, right.metadata);
  } else if (step.kind == Step::Kind::unprepare) {
    outcomes_[step.claim] = {kNothing};
  }
}

/// The step was cut off: it has an effect, or none.
void CrashNode::widen(const Step& step) {
  if (step.isPrepare() && !isBlocked(step.claim, allocationOf(step))) {
    outcomes_[step.claim].insert(allocationOf(step));
  } else if (step.kind == Step::Kind::unprepare) {
    outcomes_[step.claim].insert(kNothing);
  }
}

void CrashNode::cutPower(const Crash& crash) {
  for (const std::filesystem::path& directory : crash.written) {
    EXPECT_OK(files_.syncDirectory(directory));
  }
  files_.losePower();
}

void CrashNode::checkWhatIsLeft(const Step& interrupted, const Crash& crash, Next next) {
  bool reboot = crash.bootId != bootId_;
  if (!reboot) {
    checkRecords(!crash.powerCut);
  }
  bootId_ = crash.bootId;
  process_ = second_ ? std::move(*std::exchange(second_, std::nullopt)) : start(bootId_);
  ASSERT_NE(process_.store, nullptr);
  if (reboot) {
    outcomes_.fill({kNothing});
  }
  checkRecords(!crash.powerCut);
  if (next == Next::otherClaim) {
    prepareOther(interrupted.claim);
    checkRecords(!crash.powerCut);
    outcomes_[interrupted.claim] = {outcomeOnDisk(interrupted.claim)};  // from now on that is certain
  }
  checkIndex();
  world_.clock.advance(std::chrono::minutes(10));
  EXPECT_OK(process_.store->cleanUp());
  checkNothingIsLeftOver();
  goOn(next == Next::giveUp ? Step{Step::Kind::unprepare, interrupted.claim} : interrupted);
  checkForeignFiles();
}

std::optional<Record> CrashNode::recordOnDisk(std::size_t claim) const {
  const std::string& uid = world_.claim(claim).uid;
  std::string content = files_.content(kRoot / kNaming.fileName(uid));
  return content.empty() ? std::nullopt : std::optional(readRecord(kNaming, uid, cdi::parse(content)));
}

Outcome CrashNode::outcomeOnDisk(std::size_t claim) const {
  auto record = recordOnDisk(claim);
  if (!record) {
    return kNothing;
  }
  EXPECT_EQ(record->origin, Record::Origin::ours);
  std::set<std::string> devices;
  for (const PreparedDevice& device : record->prepared.devices) {
    devices.insert(device.device);
  }
  Outcome outcome = devices == CrashWorld::devices(claim, 0) ? 0 : 1;
  EXPECT_EQ(devices, CrashWorld::devices(claim, outcome));
  return outcome;
}

std::string CrashNode::metadataOnDisk(std::size_t claim) const {
  return files_.content(kMetadata / metadataFileName(world_.claim(claim).uid, "gpu"));
}

/// What the container runtime and the next process will find: each claim as it may be, and no device twice.
void CrashNode::checkRecords(bool mountable) const {
  std::set<std::string> held;
  for (std::size_t claim = 0; claim < kClaims; ++claim) {
    auto record = recordOnDisk(claim);
    Outcome outcome = outcomeOnDisk(claim);
    for (const std::string& device : CrashWorld::devices(claim, outcome)) {
      EXPECT_TRUE(held.insert(device).second) << device << " is held twice";
    }
    const std::set<Outcome>& allowed = outcomes_[claim];
    ASSERT_TRUE(allowed.contains(outcome)) << kNames[claim] << " is in the state " << outcome;
    auto right = world_.right[claim].find(outcome);
    if (right != world_.right[claim].end()) {
      EXPECT_EQ(record->prepared, right->second.answer);
    }
    if (right != world_.right[claim].end() && allowed.size() == 1) {
      EXPECT_EQ(metadataOnDisk(claim), right->second.metadata);
    } else if (record && mountable) {
      EXPECT_NE(metadataOnDisk(claim), "") << "the runtime could not mount it";
    }
  }
}

/// What the process that took over knows.
void CrashNode::checkIndex() {
  for (std::size_t claim = 0; claim < kClaims; ++claim) {
    auto known = process_.store->find(world_.claim(claim).uid);
    ASSERT_OK(known);
    auto record = recordOnDisk(claim);
    ASSERT_EQ(known->has_value(), record.has_value()) << kNames[claim];
    if (record) {
      EXPECT_EQ((*known)->prepared, record->prepared);
    }
  }
  EXPECT_THAT(process_.store->lost(), IsEmpty()) << "nobody deleted anything";
  EXPECT_FALSE(process_.store->hasLostEarlier()) << "nobody deleted anything";
}

void CrashNode::checkNothingIsLeftOver() const {
  std::set<std::filesystem::path> expected;
  for (const auto& [file, content] : kForeign) {
    expected.insert(file);
  }
  for (std::size_t claim = 0; claim < kClaims; ++claim) {
    if (recordOnDisk(claim)) {
      expected.insert(kRoot / kNaming.fileName(world_.claim(claim).uid));
      expected.insert(kMetadata / metadataFileName(world_.claim(claim).uid, "gpu"));
    }
  }
  for (const std::filesystem::path& directory : {kRoot, kMetadata}) {
    for (const std::string& name : files_.names(directory)) {
      EXPECT_TRUE(expected.contains(directory / name)) << (directory / name).native() << " stays for ever";
    }
  }
}

void CrashNode::checkForeignFiles() const {
  for (const auto& [file, content] : kForeign) {
    EXPECT_EQ(files_.content(file), content) << file.native();
  }
}

/// Before anybody has looked at what the interrupted claim has now.
void CrashNode::prepareOther(std::size_t claim) {
  const Step step{Step::Kind::prepare, 1 - claim};
  auto answer = perform(step);
  EXPECT_TRUE(answer || isBlocked(step.claim, 0)) << answer.error().toString();
  if (answer) {
    outcomes_[step.claim] = {0};
  }
}

/// After this step, what is prepared is answered without a write (unless the step itself was refused because of the
/// other claim), what is unprepared is gone, and its devices are free.
void CrashNode::goOn(const Step& step) {
  play(step);
  for (std::size_t claim = 0; claim < kClaims; ++claim) {
    ASSERT_EQ(outcomes_[claim].size(), 1u);
    Outcome outcome = *outcomes_[claim].begin();
    if (outcome != kNothing) {
      std::size_t writes = files_.writes();
      play({outcome == 0 ? Step::Kind::prepare : Step::Kind::prepareAnew, claim});
      EXPECT_TRUE(files_.writes() == writes || claim == step.claim) << kNames[claim];
    }
  }
  for (std::size_t claim = 0; claim < kClaims; ++claim) {
    play({Step::Kind::unprepare, claim});
  }
  EXPECT_EQ(files_.names(kRoot).size() + files_.names(kMetadata).size(), kForeign.size());
  play({Step::Kind::prepare, 1});
}

}  // namespace simgpu::claim
