#include "integration/kubelet_calls.h"

#include <fstream>
#include <iterator>

#include <fmt/format.h>

namespace simgpu::integration {

KubeletCalls::KubeletCalls(const std::filesystem::path& draSocket)
    : client_(standin::PluginClient::open(
          {.type = "DRAPlugin", .name = "gpu.example.com", .endpoint = draSocket, .services = {"v1.DRAPlugin"}}, {})) {}

Result<std::vector<standin::PreparedDevice>> KubeletCalls::prepare(const claim::ClaimRef& claim) {
  auto prepared = client_->prepare({{.space = claim.space, .uid = claim.uid, .name = claim.name}});
  if (!prepared) {
    return unexpected(prepared.error());
  }
  return std::move(prepared->at(claim.uid));
}

Status KubeletCalls::unprepare(const claim::ClaimRef& claim) {
  return client_->unprepare({{.space = claim.space, .uid = claim.uid, .name = claim.name}});
}

std::string ProcessUse::text() const {
  return fmt::format("{} KiB resident, {} descriptors, {} threads", residentKiB, descriptors, threads);
}

ProcessUse useOf(pid_t process) {
  std::filesystem::path directory = fmt::format("/proc/{}", process);
  ProcessUse use;
  std::ifstream status(directory / "status");
  for (std::string word; status >> word;) {
    if (word == "VmRSS:") {
      status >> use.residentKiB;
    } else if (word == "Threads:") {
      status >> use.threads;
    }
  }
  use.descriptors =
      static_cast<std::size_t>(std::ranges::distance(std::filesystem::directory_iterator(directory / "fd")));
  return use;
}

}  // namespace simgpu::integration
