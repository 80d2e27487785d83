// A ResourceClaim as an API server answers it, on its whole way into a CDI spec: whoever may write one claim, or answer
// in place of the API server, gets no further than what a claim may say.
#include <algorithm>

#include "fuzz/node.h"
#include "kube/target.h"
#include "simgpu/base/utf8.h"

namespace {

using namespace simgpu;
using fuzz::check;
using fuzz::Node;

const claim::ClaimRef& wanted() {
  static const claim::ClaimRef ref{.space = "team-a", .name = "train", .uid = "303b27ee-5d0c-4e4f-a6e4-6d1f8c6f5a11"};
  return ref;
}

bool isPrintable(std::string_view text) {
  return base::isUtf8(text) && std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

bool isInside(const std::string& path, std::string_view directory) {
  return path.starts_with(directory) && std::filesystem::path(path).lexically_normal() == std::filesystem::path(path);
}

void checkEdits(const cdi::ContainerEdits& edits) {
  for (const std::string& entry : edits.env) {
    check(isPrintable(entry), "variables have no control characters");
    std::string_view name = std::string_view(entry).substr(0, entry.find('='));
    check(name.starts_with("GPU_DEVICE_") || name.starts_with("DRA_") || name == "KUBERNETES_NODE_NAME",
          "variables are those of the profile");
  }
  for (const cdi::Mount& mount : edits.mounts) {
    check(isInside(mount.hostPath, std::string(Node::kMetadata) + "/"), "only metadata is mounted");
    check(isInside(mount.containerPath, "/var/run/kubernetes.io/dra-device-attributes/"), "metadata has its place");
    check(mount.options == std::vector<std::string>{"ro", "bind"}, "nothing is mounted to be written");
  }
}

void checkPrepared(const Node& node, const claim::PreparedClaim& prepared) {
  check(prepared.claim == wanted(), "the answer is about the claim that was asked for");
  auto spec =
      cdi::parse(node.files.content(std::filesystem::path(Node::kCdiRoot) / node.naming.fileName(wanted().uid)));
  check(spec.has_value(), "what is prepared has its file");
  checkEdits(spec->edits);
  for (const cdi::Device& device : spec->devices) {
    checkEdits(device.edits);
  }
  for (const claim::PreparedDevice& device : prepared.devices) {
    check(Node::inventory().find(device.device) != nullptr, "only devices of this node are prepared");
    for (const std::string& id : device.cdiIds) {
      check(std::ranges::any_of(
                spec->devices,
                [&](const cdi::Device& each) { return cdi::qualifiedName(node.naming.kind(), each.name) == id; }),
            "every id that the kubelet gets is in the file");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Node node;
  node.server.objects[kube::claimPath(wanted().space, wanted().name)] = fuzz::textOf(data, size);
  auto prepared = std::move(node.preparer->prepare({&wanted(), 1}, {}).front());
  if (prepared) {
    node.checkSpecs({wanted().uid});
    checkPrepared(node, *prepared);
    auto writes = node.files.writes();
    auto again = std::move(node.preparer->prepare({&wanted(), 1}, {}).front());
    check(again && *again == *prepared && node.files.writes() == writes, "the same again is answered without a write");
  } else {
    check(!prepared.error().message().empty(), "a refusal says why");
    node.checkSpecs({});
  }
  check(node.preparer->unprepare({&wanted(), 1}, {}).front().ok(), "everything can be unprepared");
  node.checkSpecs({});
  check(node.files.names(Node::kMetadata).empty(), "no metadata is left");
  return 0;
}
