// The C++ half of the interoperability test: a plugin whose answers are made of what it is asked, so that the other
// half sees every field of every message arrive. Serves until its standard input ends.
#include <iostream>
#include <string>
#include <string_view>

#include "codec.h"
#include "simgpu/kubelet/plugin.h"

namespace simgpu::interop {
namespace {

/// A claim whose UID starts with `fail` fails; every other one has two devices, the first with all fields.
class EchoingClaims final : public claim::Service {
 public:
  std::vector<Result<claim::PreparedClaim>> prepare(std::span<const claim::ClaimRef> claims,
                                                    const claim::CallContext& call) override {
    call.underWay();
    std::vector<Result<claim::PreparedClaim>> answers;
    for (const claim::ClaimRef& claim : claims) {
      if (claim.uid.starts_with("fail")) {
        answers.emplace_back(unexpected(Status::notFound("no claim {}/{}", claim.space, claim.name)));
        continue;
      }
      answers.emplace_back(claim::PreparedClaim{
          .claim = claim,
          .devices = {{.requests = {"gpu", "nic"},
                       .pool = claim.space,
                       .device = claim.name,
                       .shareId = "share-" + claim.uid,
                       .cdiIds = {"example.com/gpu=" + claim.uid, "example.com/gpu=ümlaut"}},
                      {.requests = {}, .pool = "pool", .device = "bare", .shareId = "", .cdiIds = {}}}});
    }
    return answers;
  }

  std::vector<Status> unprepare(std::span<const claim::ClaimRef> claims, const claim::CallContext&) override {
    std::vector<Status> answers;
    for (const claim::ClaimRef& claim : claims) {
      answers.push_back(claim.uid.starts_with("fail")
                            ? Status::unavailable("cannot remove {}/{}", claim.space, claim.name)
                            : Status());
    }
    return answers;
  }
};

int serve(const char* registry, const char* plugins, const char* podUid) {
  EchoingClaims claims;
  base::SystemClock clock;
  base::PosixFiles files;
  metrics::Registry metrics;
  auto sink = base::makeStderrSink();
  kubelet::PluginCallbacks callbacks;
  callbacks.devices = [] { return std::vector<kubelet::DeviceId>{{"node-a", "gpu-0"}, {"node-a", "gpu-1"}}; };
  callbacks.registered = [] { std::cout << "registered" << std::endl; };
  auto plugin =
      kubelet::Plugin::start({.driverName = "gpu.example.com",
                              .registryDirectory = registry,
                              .pluginsDirectory = plugins,
                              .podUid = podUid,
                              .healthPort = 0},
                             claims, std::move(callbacks), clock, files, metrics, base::Logger(*sink, clock, {}));
  if (!plugin) {
    std::cerr << plugin.error() << '\n';
    return 1;
  }
  std::cout << "serving " << (*plugin)->registrationSocket().native() << ' ' << (*plugin)->draSocket().native() << ' '
            << (*plugin)->healthPort() << std::endl;
  for (std::string ignored; std::getline(std::cin, ignored);) {
  }
  return 0;
}

}  // namespace
}  // namespace simgpu::interop

int main(int argc, char** argv) {
  using namespace simgpu::interop;
  if (argc == 2 && std::string_view(argv[1]) == "descriptors") {
    return printDescriptors();
  }
  if (argc == 2 && std::string_view(argv[1]) == "recode") {
    return recode();
  }
  if (argc == 5 && std::string_view(argv[1]) == "serve") {
    return serve(argv[2], argv[3], argv[4]);
  }
  std::cerr << "usage: interop_server descriptors | recode | serve <registry> <plugins> <pod UID>\n";
  return 2;
}
