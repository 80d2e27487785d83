#include "contract/contract_test.h"

#include <cstdlib>

#include <fmt/format.h>

#include "kube/protobuf_decode.h"
#include "simgpu/base/random.h"
#include "simgpu/kube/config.h"
#include "simgpu/kube/curl_transport.h"

namespace simgpu::contract {

std::string Answer::field() const {
  json causes = body.value("/details/causes"_json_pointer, json::array());
  return causes.empty() ? "" : causes[0].value("field", "");
}

Watch::Watch(kube::Transport& transport, const std::string& target) {
  auto deadline = base::SystemClock().now() + std::chrono::seconds(10);
  stream_ = transport.stream({.target = target, .deadline = deadline}, std::chrono::seconds(120), [this] {
    std::lock_guard lock(mutex_);
    news_ = true;
    changed_.notify_all();
  });
}

json Watch::next() {
  while (events_.empty() && !ended_) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::seconds(15), [this] { return news_; })) {
      return "silence";
    }
    news_ = false;
    lock.unlock();
    auto batch = stream_->take();
    for (const std::string& line : batch.lines) {
      events_.push_back(json::parse(line));
    }
    if (batch.error) {
      events_.push_back({{"type", "REFUSED"}, {"object", json::parse(batch.error->body)}});
    }
    ended_ = batch.ended.has_value();
  }
  if (events_.empty()) {
    return nullptr;
  }
  json event = events_.front();
  events_.erase(events_.begin());
  return event;
}

ContractTest::ContractTest() {
  prefix_ = fmt::format("simgpu-contract-{:08x}-", base::SystemRandom().next() & 0xffffffff);
  kube::Config config;
  if (const char* file = std::getenv("SIMGPU_CONTRACT_KUBECONFIG")) {
    config = kube::kubeconfig(files_, file).value();
  } else {
    standin_ = std::make_unique<standin::ApiServer>(clock_);
    server_ = standin_->serve({}, {}).value();
    config.server = fmt::format("http://127.0.0.1:{}", server_->port());
    config.noProxy = true;
  }
  transport_ = kube::makeCurlTransport(config, {.userAgent = "contract-test"}, clock_, files_, {}).value();
}

ContractTest::~ContractTest() {
  for (const std::string& target : created_) {
    remove(target);
  }
}

Answer ContractTest::send(std::string method, const std::string& target, const json& body, std::string contentType) {
  kube::HttpRequest request{.method = std::move(method),
                            .target = target,
                            .body = body.is_null()     ? ""
                                    : body.is_string() ? body.get<std::string>()
                                                       : body.dump(),
                            .contentType = std::move(contentType),
                            .deadline = clock_.now() + std::chrono::seconds(20)};
  auto response = transport_->send(std::move(request)).get();
  if (!response) {
    ADD_FAILURE() << response.error();
    return {};
  }
  json parsed = json::parse(response->body, nullptr, false);
  return {response->status, parsed.is_object() ? parsed : json{{"message", response->body}}};
}

kube::HttpResponse ContractTest::getProtobuf(const std::string& target) {
  auto response = transport_
                      ->send({.target = target,
                              .accept = std::string(kube::kProtobufOrJson),
                              .deadline = clock_.now() + std::chrono::seconds(20)})
                      .get();
  if (!response) {
    ADD_FAILURE() << response.error();
    return {};
  }
  return *std::move(response);
}

Answer ContractTest::post(const std::string& collection, const json& object) {
  Answer answer = send("POST", collection, object);
  if (answer.status == 201) {
    created_.push_back(collection + "/" + answer.body["metadata"]["name"].get<std::string>());
  }
  return answer;
}

json ContractTest::slice(const std::string& suffix) const {
  return {{"apiVersion", "resource.k8s.io/v1"},
          {"kind", "ResourceSlice"},
          {"metadata", {{"name", name(suffix)}}},
          {"spec",
           {{"driver", "contract.example.com"},
            {"nodeName", node()},
            {"pool", {{"name", node()}, {"generation", 1}, {"resourceSliceCount", 1}}},
            {"devices", json::array({{{"name", "gpu-0"}}})}}}};
}

json ContractTest::claim(const std::string& suffix) const {
  json request = {{"name", "gpu"}, {"exactly", {{"deviceClassName", "contract.example.com"}}}};
  return {{"apiVersion", "resource.k8s.io/v1"},
          {"kind", "ResourceClaim"},
          {"metadata", {{"name", name(suffix)}}},
          {"spec", {{"devices", {{"requests", json::array({request})}}}}}};
}

json ContractTest::allocatedStatus() const {
  json result = {{"request", "gpu"}, {"driver", "contract.example.com"}, {"pool", node()}, {"device", "gpu-0"}};
  return {{"allocation", {{"devices", {{"results", json::array({result})}}}}}};
}

}  // namespace simgpu::contract
