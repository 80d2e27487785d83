#include "kube/request_meter.h"

#include <string_view>
#include <utility>
#include <vector>

namespace simgpu::kube {
namespace {

constexpr const char* kWatch = "watch";

std::vector<std::string_view> segmentsOf(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    auto segment = path.substr(0, path.find('/'));
    segments.push_back(segment);
    path.remove_prefix(segment.size());
  }
  return segments;
}

std::string verbOf(const HttpRequest& request, bool named, bool watch) {
  if (watch) {
    return kWatch;
  }
  if (request.method == "GET") {
    return named ? "get" : "list";
  }
  if (request.method == "POST") {
    return "create";
  }
  if (request.method == "PUT") {
    return "update";
  }
  if (request.method == "PATCH") {
    return "patch";
  }
  return named ? "delete" : "deletecollection";
}

}  // namespace

RequestKind kindOf(const HttpRequest& request) {
  std::string_view target = request.target;
  auto segments = segmentsOf(target.substr(0, target.find('?')));
  // /api/<version>/… or /apis/<group>/<version>/…
  std::size_t prefix = segments.empty() ? 0 : segments.front() == "api" ? 2 : segments.front() == "apis" ? 3 : 0;
  if (prefix != 0 && segments.size() > prefix + 2 && segments[prefix] == "namespaces") {
    prefix += 2;
  }
  bool known = prefix != 0 && segments.size() > prefix;
  bool named = known && segments.size() > prefix + 1;
  bool watch = target.find("watch=1", target.find('?')) != std::string_view::npos;
  std::string resource(known ? segments[prefix] : "other");
  if (named && segments.size() > prefix + 2) {
    resource += '/';
    resource += segments[prefix + 2];
  }
  return {.verb = verbOf(request, named, known && !named && watch), .resource = std::move(resource)};
}

RequestMeter::RequestMeter(metrics::Registry& registry, const base::Clock& clock)
    : requests_(registry.counters("dra_sim_gpu_api_requests_total",
                                  "Requests to the API server that are over, by verb, resource and HTTP status code.",
                                  {"verb", "resource", "code"})),
      durations_(registry.histograms("dra_sim_gpu_api_request_duration_seconds",
                                     "Time that requests to the API server took, by verb and resource.",
                                     {"verb", "resource"},
                                     {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30})),
      clock_(clock) {}

std::function<void(int status)> RequestMeter::begin(const HttpRequest& request) {
  return [this, kind = kindOf(request), began = clock_.now()](int status) {
    requests_.with({kind.verb, kind.resource, status == 0 ? "error" : std::to_string(status)}).add();
    if (kind.verb != kWatch) {
      durations_.with({kind.verb, kind.resource}).observe(clock_.now() - began);
    }
  };
}

}  // namespace simgpu::kube
