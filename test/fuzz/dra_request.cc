// What the kubelet, or whoever is root on the node, sends to the DRA socket: bytes that become requests of both
// generations, on their whole way into CDI specs.
#include <google/protobuf/stubs/logging.h>

#include "fuzz/node.h"
#include "kube/target.h"
#include "kubelet/dra_service.h"
#include "simgpu/kube/json.h"

namespace {

using namespace simgpu;
using fuzz::check;
using fuzz::Node;

/// Lets each of these claims exist, with a GPU of its own as long as there are some.
void allocate(Node& node, const auto& claims) {
  int device = 0;
  for (const auto& claim : claims) {
    nlohmann::json object = {
        {"metadata", {{"namespace", claim.namespace_()}, {"name", claim.name()}, {"uid", claim.uid()}}}};
    object["status"]["allocation"]["devices"]["results"] = {{{"request", "gpu"},
                                                             {"driver", "gpu.example.com"},
                                                             {"pool", "node-a"},
                                                             {"device", fmt::format("gpu-{}", device++)}}};
    node.server.objects[kube::claimPath(claim.namespace_(), claim.name())] = kube::dumpJson(object);
  }
}

template <typename Message>
void checkAnswer(const Message& answer, const std::set<std::string>& asked) {
  check(answer.claims().size() == asked.size(), "each UID has one answer");
  for (const std::string& uid : asked) {
    check(answer.claims().contains(uid), "the answers are about what was asked for");
  }
  Message read;
  check(read.ParseFromString(answer.SerializeAsString()), "the kubelet can read the answer");
}

template <typename Api>
void serve(std::string_view bytes) {
  typename Api::PrepareRequest request;
  if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return;
  }
  Node node;
  allocate(node, request.claims());
  std::set<std::string> asked;
  for (const auto& claim : request.claims()) {
    asked.insert(claim.uid());
  }
  kubelet::ClaimCalls calls(*node.preparer, node.clock, node.log);
  kubelet::RpcMeter meter(node.registry, node.clock);
  kubelet::DraService<Api> service(calls, meter, node.clock);
  grpc::ServerContext prepareContext;
  typename Api::PrepareResponse prepared;
  check(service.NodePrepareResources(&prepareContext, &request, &prepared).ok(), "a claim that fails fails alone");
  checkAnswer(prepared, asked);
  std::set<std::string> uids;
  for (const auto& [uid, answer] : prepared.claims()) {
    check(answer.error().empty() != answer.devices().empty(), "there are devices or an error");
    if (answer.error().empty()) {
      uids.insert(uid);
    }
  }
  node.checkSpecs(uids);

  typename Api::UnprepareRequest unprepare;
  check(unprepare.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())), "both requests have one form");
  grpc::ServerContext unprepareContext;
  typename Api::UnprepareResponse unprepared;
  check(service.NodeUnprepareResources(&unprepareContext, &unprepare, &unprepared).ok(),
        "unpreparing never fails whole");
  checkAnswer(unprepared, asked);
  node.checkSpecs({});
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);  // it complains about every text that is not UTF-8
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  serve<kubelet::DraV1>(fuzz::textOf(data, size));
  serve<kubelet::DraV1Beta1>(fuzz::textOf(data, size));
  return 0;
}
