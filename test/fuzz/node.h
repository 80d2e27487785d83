#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "fakes/fake_clock.h"
#include "fakes/fake_files.h"
#include "fakes/fixed_random.h"
#include "fuzz/fuzz.h"
#include "simgpu/claim/preparer.h"

namespace simgpu::fuzz {

/// An API server that knows what it was given, by its path, and nothing else.
class KnownObjects final : public kube::Transport {
 public:
  std::map<std::string, std::string> objects;

  std::future<Result<kube::HttpResponse>> send(kube::HttpRequest request) override {
    constexpr const char* kNotFound =
        R"({"kind": "Status", "code": 404, "reason": "NotFound", "details": {"kind": "resourceclaims", "name": "x"}})";
    auto found = objects.find(request.target);
    kube::HttpResponse answer;
    answer.status = found == objects.end() ? 404 : 200;
    answer.body = found == objects.end() ? kNotFound : found->second;
    std::promise<Result<kube::HttpResponse>> promise;
    promise.set_value(std::move(answer));
    return promise.get_future();
  }

  std::unique_ptr<kube::HttpStream> stream(kube::HttpRequest, std::chrono::seconds, std::function<void()>) override {
    return nullptr;
  }
};

/// Drops Events.
class NoEvents final : public kube::EventSink {
 public:
  void record(kube::Occurrence) override {}
};

/// The part of a driver that prepares claims, on a node with eight GPUs, in memory.
struct Node {
  static constexpr const char* kCdiRoot = "/var/run/cdi";
  static constexpr const char* kMetadata = "/plugins/dra-device-metadata";

  Node() {
    check(files.createDirectories("/plugins", 0750).ok(), "the fake takes directories");
    store = *claim::Store::open({.naming = naming,
                                 .cdiRoot = kCdiRoot,
                                 .lockFile = "/plugins/serialize.lock",
                                 .bootId = "boot-1",
                                 .metadataDirectory = kMetadata,
                                 .deviceMetadata = true,
                                 .inventory = &inventory()},
                                files, clock, instruments, log);
    preparer = std::make_unique<claim::Preparer>(inventory(), *store, api, clock, random, claim::Preparer::Listeners{},
                                                 events, instruments, log);
  }

  static const device::Inventory& inventory() {
    static const device::Inventory all = *device::Inventory::create(
        *device::Profile::embedded("gpu"), {.nodeName = "node-a", .driverName = "gpu.example.com", .numDevices = 8});
    return all;
  }

  /// Checks that the CDI directory has specs of these claims and nothing else, all of them such as a runtime takes.
  void checkSpecs(const std::set<std::string>& claimUids) const {
    std::set<std::string> wanted;
    for (const std::string& uid : claimUids) {
      wanted.insert(naming.fileName(uid));
    }
    auto names = files.names(kCdiRoot);
    check(std::set<std::string>(names.begin(), names.end()) == wanted,
          "each prepared claim has its file, and no other");
    for (const std::string& name : names) {
      auto spec = cdi::parse(files.content(std::filesystem::path(kCdiRoot) / name));
      check(spec.has_value() && cdi::validate(*spec).ok(), "a runtime can read every file");
    }
  }

  claim::SpecNaming naming{.driverName = "gpu.example.com", .cdiClass = "gpu"};
  fakes::FakeClock clock;
  fakes::FakeFiles files;
  fakes::FixedRandom random;
  base::Logger log;
  KnownObjects server;
  kube::Client api{server, clock, {.qps = 0}, log};
  metrics::Registry registry;
  claim::Instruments instruments{registry};
  NoEvents events;
  std::unique_ptr<claim::Store> store;
  std::unique_ptr<claim::Preparer> preparer;
};

}  // namespace simgpu::fuzz
