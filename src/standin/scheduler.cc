#include "simgpu/standin/scheduler.h"

#include <algorithm>
#include <thread>

#include "standin/admission.h"
#include "standin/allocator.h"
#include "standin/claim_manager.h"
#include "standin/json_access.h"
#include "standin/rest_client.h"
#include "standin/uri.h"

namespace simgpu::standin {

using nlohmann::json;

namespace {

constexpr auto kResync = std::chrono::seconds(10);
constexpr const char* kDra = "/apis/resource.k8s.io/v1";

std::string uidOf(const json& object) {
  return textAt(at(object, "metadata"), "uid");
}
std::string nameOf(const json& object) {
  return textAt(at(object, "metadata"), "name");
}
std::string spaceOf(const json& object) {
  return textAt(at(object, "metadata"), "namespace");
}

bool isOver(const json& pod) {
  std::string phase = textAt(at(pod, "status"), "phase");
  return phase == "Succeeded" || phase == "Failed";
}

std::string inSpace(const std::string& root, const json& object, std::string_view resource) {
  return fmt::format("{}/namespaces/{}/{}", root, percentEncode(spaceOf(object)), resource);
}

std::string claimTarget(const json& claim) {
  return inSpace(kDra, claim, "resourceclaims/" + percentEncode(nameOf(claim)));
}

std::string podTarget(const json& pod) {
  return inSpace("/api/v1", pod, "pods/" + percentEncode(nameOf(pod)));
}

/// Whether an allocation can be used on a node.
bool reaches(const json& allocation, const std::string& node) {
  const json& terms = at(at(allocation, "nodeSelector"), "nodeSelectorTerms");
  return terms.empty() || std::ranges::any_of(terms, [&](const json& term) {
           return std::ranges::all_of(at(term, "matchFields"), [&](const json& field) {
             return std::ranges::any_of(at(field, "values"), [&](const json& value) { return value == node; });
           });
         });
}

}  // namespace

class Scheduler::Impl {
 public:
  Impl(kube::Transport& transport, base::Clock& clock, base::Logger log)
      : api_(transport, clock),
        log_(std::move(log)),
        changes_(api_, {"/api/v1/pods", "/api/v1/nodes", std::string(kDra) + "/resourceclaims",
                        std::string(kDra) + "/resourceslices", std::string(kDra) + "/deviceclasses",
                        std::string(kDra) + "/resourceclaimtemplates"}),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}

 private:
  struct State {
    Inventory inventory;
    std::vector<json> pods;
    std::vector<std::string> nodes;
  };

  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      changes_.await(stop, kResync);
      if (stop.stop_requested()) {
        return;
      }
      if (Status status = reconcile(); !status) {
        log_.error(status, "Cannot schedule; trying again");
      }
    }
  }

  Status reconcile() {
    auto state = read();
    if (!state) {
      return state.error();
    }
    for (json& claim : state->inventory.claims) {
      if (Status status = release(claim, state->pods); !status) {
        return status;
      }
    }
    for (json& pod : state->pods) {
      bool waits = textAt(at(pod, "spec"), "nodeName").empty() && !isOver(pod) &&
                   !at(pod, "metadata").contains("deletionTimestamp");
      if (!waits) {
        continue;
      }
      if (Status status = schedule(pod, *state); !status) {
        explain(pod, status);
      }
    }
    return {};
  }

  Result<State> read() {
    State state;
    std::vector<json> classes;
    std::vector<json> nodes;
    std::pair<std::string, std::vector<json>*> lists[] = {
        {"/api/v1/pods", &state.pods},
        {"/api/v1/nodes", &nodes},
        {std::string(kDra) + "/resourceclaims", &state.inventory.claims},
        {std::string(kDra) + "/resourceslices", &state.inventory.slices},
        {std::string(kDra) + "/deviceclasses", &classes}};
    for (auto& [target, list] : lists) {
      auto found = api_.list(target);
      if (!found) {
        return unexpected(found.error());
      }
      *list = std::move(*found);
    }
    for (json& each : classes) {
      std::string name = nameOf(each);
      state.inventory.classes[name] = std::move(each);
    }
    for (const json& node : nodes) {
      if (!flagAt(at(node, "spec"), "unschedulable")) {
        state.nodes.push_back(nameOf(node));
      }
    }
    return state;
  }

  /// What the claim controller and the garbage collector do once the pods of a claim are over: consumers go, then the
  /// allocation, then a claim that was made for a pod.
  Status release(json& claim, const std::vector<json>& pods) {
    auto alive = [&](const std::string& uid) {
      return std::ranges::any_of(pods, [&](const json& pod) { return uidOf(pod) == uid && !isOver(pod); });
    };
    const json& owners = at(at(claim, "metadata"), "ownerReferences");
    bool orphaned = std::ranges::any_of(
        owners, [&](const json& owner) { return textAt(owner, "kind") == "Pod" && !alive(textAt(owner, "uid")); });
    json kept = json::array();
    for (const json& consumer : at(at(claim, "status"), "reservedFor")) {
      if (alive(textAt(consumer, "uid"))) {
        kept.push_back(consumer);
      }
    }
    const json& status = at(claim, "status");
    bool idle = kept.empty() && !at(status, "allocation").is_null();
    if (kept.size() != at(status, "reservedFor").size() || idle) {
      json next = claim;
      next["status"]["reservedFor"] = kept;
      if (kept.empty()) {
        next["status"].erase("allocation");
        next["status"].erase("reservedFor");
      }
      auto stored = api_.replace(claimTarget(claim) + "/status", next);
      if (!stored) {
        return stored.error();
      }
      claim = std::move(*stored);
    }
    return orphaned ? api_.remove(claimTarget(claim), {{"preconditions", {{"uid", uidOf(claim)}}}}) : Status();
  }

  Status schedule(json& pod, State& state) {
    if (Status status = makeClaims(pod, state); !status) {
      return status;
    }
    Status last = Status::failedPrecondition("0/{} nodes are available", state.nodes.size());
    for (const std::string& node : state.nodes) {
      last = placeOn(pod, node, state);
      if (last || last.code() == Code::unimplemented) {
        return last;
      }
    }
    return last.with("0/{} nodes are available", state.nodes.size());
  }

  /// Creates the claims that templates of this pod ask for and that are not there yet.
  Status makeClaims(json& pod, State& state) {
    json statuses = at(at(pod, "status"), "resourceClaimStatuses");
    bool made = false;
    for (const json& entry : at(at(pod, "spec"), "resourceClaims")) {
      std::string templateName = textAt(entry, "resourceClaimTemplateName");
      if (templateName.empty() || !claimNameFor(pod, entry).empty()) {
        continue;
      }
      auto found = api_.get(inSpace(kDra, pod, "resourceclaimtemplates/" + percentEncode(templateName)));
      if (!found) {
        return Status::failedPrecondition("{}", found.error().message());
      }
      std::string entryName = textAt(entry, "name");
      auto claim = api_.create(inSpace(kDra, pod, "resourceclaims"), claimOf(*found, pod, entryName));
      if (!claim) {
        return claim.error();
      }
      statuses = statuses.is_array() ? statuses : json::array();
      statuses.push_back({{"name", entryName}, {"resourceClaimName", nameOf(*claim)}});
      state.inventory.claims.push_back(std::move(*claim));
      made = true;
    }
    if (!made) {
      return {};
    }
    auto patched = api_.mergePatch(podTarget(pod) + "/status", {{"status", {{"resourceClaimStatuses", statuses}}}});
    if (!patched) {
      return patched.error();
    }
    pod = std::move(*patched);
    return {};
  }

  static json claimOf(const json& claimTemplate, const json& pod, const std::string& entry) {
    const json& spec = at(claimTemplate, "spec");
    json metadata = at(spec, "metadata").is_object() ? at(spec, "metadata") : json::object();
    metadata["generateName"] = nameOf(pod) + "-" + entry + "-";
    metadata["annotations"]["resource.kubernetes.io/pod-claim-name"] = entry;
    metadata["ownerReferences"] = json::array({{{"apiVersion", "v1"},
                                                {"kind", "Pod"},
                                                {"name", nameOf(pod)},
                                                {"uid", uidOf(pod)},
                                                {"controller", true},
                                                {"blockOwnerDeletion", true}}});
    return {{"metadata", metadata}, {"spec", at(spec, "spec")}};
  }

  Status placeOn(const json& pod, const std::string& node, State& state) {
    Allocator allocator(state.inventory, node);
    std::vector<std::pair<json*, json>> changed;
    for (const json& entry : at(at(pod, "spec"), "resourceClaims")) {
      std::string name = claimNameFor(pod, entry);
      auto claim = std::ranges::find_if(state.inventory.claims, [&](const json& each) {
        return nameOf(each) == name && spaceOf(each) == spaceOf(pod);
      });
      if (claim == state.inventory.claims.end()) {
        return Status::failedPrecondition("resourceclaim \"{}\" not found", name);
      }
      json next = *claim;
      const json& allocation = at(at(*claim, "status"), "allocation");
      if (allocation.is_null()) {
        auto allocated = allocator.allocate(*claim);
        if (!allocated) {
          return allocated.error().with("claim {}", name);
        }
        next["status"]["allocation"] = std::move(*allocated);
      } else if (!reaches(allocation, node)) {
        return Status::failedPrecondition("claim {} is allocated on another node", name);
      }
      json& reserved = next["status"]["reservedFor"];
      reserved = reserved.is_array() ? reserved : json::array();
      bool isOurs = std::ranges::any_of(reserved, [&](const json& each) { return textAt(each, "uid") == uidOf(pod); });
      if (!isOurs) {
        reserved.push_back({{"resource", "pods"}, {"name", nameOf(pod)}, {"uid", uidOf(pod)}});
      }
      changed.emplace_back(&*claim, std::move(next));
    }
    for (auto& [claim, next] : changed) {
      auto stored = api_.replace(claimTarget(next) + "/status", next);
      if (!stored) {
        return stored.error();
      }
      *claim = std::move(*stored);
    }
    json binding = {{"metadata", {{"name", nameOf(pod)}}},
                    {"target", {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", node}}}};
    auto bound = api_.create(podTarget(pod) + "/binding", binding);
    if (bound) {
      log_.info("Bound a pod", {{"pod", spaceOf(pod) + "/" + nameOf(pod)}, {"node", node}});
    }
    return bound ? Status() : bound.error();
  }

  /// Says in the pod's status why it waits; once for the same reason.
  void explain(const json& pod, const Status& status) {
    for (const json& condition : at(at(pod, "status"), "conditions")) {
      if (textAt(condition, "type") == "PodScheduled" && textAt(condition, "message") == status.message()) {
        return;
      }
    }
    log_.info("A pod cannot be scheduled", {{"pod", spaceOf(pod) + "/" + nameOf(pod)}, {"reason", status.message()}});
    json condition = {{"type", "PodScheduled"},
                      {"status", "False"},
                      {"reason", "Unschedulable"},
                      {"message", status.message()},
                      {"lastTransitionTime", rfc3339(api_.clock().wallTime())}};
    json patch = {{"status", {{"conditions", json::array({condition})}}}};
    if (auto patched = api_.mergePatch(podTarget(pod) + "/status", patch); !patched) {
      log_.error(patched.error(), "Cannot write the status of a pod");
    }
  }

  RestClient api_;
  base::Logger log_;
  ChangeWatch changes_;
  std::jthread thread_;
};

Scheduler::Scheduler(kube::Transport& transport, base::Clock& clock, base::Logger log)
    : impl_(std::make_unique<Impl>(transport, clock, std::move(log))) {}

Scheduler::~Scheduler() = default;

}  // namespace simgpu::standin
