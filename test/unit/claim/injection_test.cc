// Whoever can write one claim, or answer in place of the API server, or call the DRA socket, gets no text of theirs to
// a place where it means something else: a path, a name or a second line. On the whole way, from the answer to the
// files.

#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "preparer_fixture.h"

namespace simgpu::claim {
namespace {

using fakes::AllocationBuilder;
using nlohmann::json;
using testing::IsEmpty;
using testing::IsSubsetOf;
using testing::StartsWith;

const std::vector<std::string> kHostile = {
    "x\nEVIL=1",
    "x\r\nEVIL=1",
    "x=y",
    "x y",
    "..",
    "../../../etc/cron.d/x",
    "/etc/passwd",
    "a/../../b",
    std::string("x\0y", 3),
    "\x1b[31mx",
    "x\xc2\x85y",
    "x\xe2\x80\xa8y",
    "x'\n- name: evil",
    "\"}],\"x\":[{\"",
    "${node.name}$(reboot)`reboot`",
    "k8s.gpu.example.com/gpu=other",
    std::string(100000, 'x'),
};

std::set<std::string> variablesOf(const cdi::Spec& spec) {
  std::set<std::string> names;
  auto add = [&](const cdi::ContainerEdits& edits) {
    for (const std::string& entry : edits.env) {
      names.insert(entry.substr(0, entry.find('=')));
    }
  };
  add(spec.edits);
  for (const cdi::Device& device : spec.devices) {
    add(device.edits);
  }
  return names;
}

class InjectionTest : public PreparerFixture {
 protected:
  InjectionTest() : PreparerFixture(true) {
    ref = claim("train", "gpu-1");
    stored = *server.get(fakes::Cluster::claimPath("train"));
    auto& devices = stored["status"]["allocation"]["devices"];
    devices["results"][0]["shareID"] = "11111111-2222-4333-8444-555555555555";
    devices["results"][0]["consumedCapacity"] = {{"memory", "1Gi"}};
    devices["config"] = {
        {{"source", "FromClaim"},
         {"requests", {"gpu"}},
         {"opaque",
          {{"driver", "gpu.example.com"},
           {"parameters",
            {{"apiVersion", "gpu.resource.example.com/v1alpha1"},
             {"kind", "GpuConfig"},
             {"sharing", {{"strategy", "TimeSlicing"}, {"timeSlicingConfig", {{"interval", "Long"}}}}}}}}}}};
    stored["metadata"]["annotations"]["resource.kubernetes.io/pod-claim-name"] = "gpu";
    files.failWhen([this](std::string_view operation, const std::filesystem::path& path) {
      if (operation != "read" && operation != "list" && operation != "info") {
        touched.insert(path.lexically_normal().string());
      }
      return Status();
    });
  }

  /// What the API server answers from now on, whatever it is asked for.
  void answer(const json& claim) {
    std::string body = claim.dump();
    server.intercept([body](const kube::HttpRequest&) {
      kube::HttpResponse response;
      response.status = 200;
      response.body = body;
      return response;
    });
  }

  /// Prepares, looks at everything that was written, and unprepares.
  void expectHarmless(const ClaimRef& asked) {
    auto prepared = prepare(asked);
    const std::string own = SpecNaming{.driverName = "gpu.example.com", .cdiClass = "gpu"}.fileName(asked.uid);
    auto names = files.names(kRoot);
    EXPECT_EQ(names, prepared ? std::vector{own} : std::vector<std::string>());
    for (const std::string& name : names) {
      expectHarmlessSpec(files.content(kRoot / name));
    }
    for (const std::string& path : touched) {
      EXPECT_TRUE(path == kRoot || path == kMetadata || path == "/plugins/serialize.lock" ||
                  path.starts_with(kRoot.string() + "/") || path.starts_with(kMetadata.string() + "/"))
          << path;
    }
    EXPECT_OK(unprepare(asked));
    EXPECT_THAT(files.names(kRoot), IsEmpty());
    EXPECT_THAT(files.names(kMetadata), IsEmpty());
  }

  void expectHarmlessSpec(const std::string& text) {
    EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= 0x20 && c < 0x7f); }));
    auto spec = cdi::parse(text);
    ASSERT_OK(spec);
    EXPECT_OK(cdi::validate(*spec));
    EXPECT_THAT(variablesOf(*spec), IsSubsetOf(usual));
    for (const cdi::Device& device : spec->devices) {
      for (const cdi::Mount& mount : device.edits.mounts) {
        EXPECT_THAT(mount.hostPath, StartsWith(kMetadata.string() + "/"));
        EXPECT_THAT(mount.containerPath, StartsWith("/var/run/kubernetes.io/dra-device-attributes/"));
        EXPECT_EQ(mount.hostPath.find(".."), std::string::npos);
        EXPECT_EQ(mount.containerPath.find(".."), std::string::npos);
      }
    }
  }

  ClaimRef ref;
  json stored;                    ///< The claim as the API server has it, with all that a user can write.
  std::set<std::string> usual;    ///< The variables that it gives.
  std::set<std::string> touched;  ///< All that was written.
};

TEST_F(InjectionTest, NoTextOfAClaimGetsWhereItMeansSomethingElse) {
  answer(stored);
  ASSERT_OK(prepare(ref));
  usual = variablesOf(*cdi::parse(files.content(kRoot / files.names(kRoot).at(0))));
  ASSERT_OK(unprepare(ref));

  for (const char* place : {
           "/metadata/name",
           "/metadata/namespace",
           "/metadata/uid",
           "/metadata/annotations/resource.kubernetes.io~1pod-claim-name",
           "/status/allocation/devices/results/0/request",
           "/status/allocation/devices/results/0/driver",
           "/status/allocation/devices/results/0/pool",
           "/status/allocation/devices/results/0/device",
           "/status/allocation/devices/results/0/shareID",
           "/status/allocation/devices/results/0/consumedCapacity/memory",
           "/status/allocation/devices/config/0/source",
           "/status/allocation/devices/config/0/requests/0",
           "/status/allocation/devices/config/0/opaque/driver",
           "/status/allocation/devices/config/0/opaque/parameters/apiVersion",
           "/status/allocation/devices/config/0/opaque/parameters/kind",
           "/status/allocation/devices/config/0/opaque/parameters/sharing/strategy",
           "/status/allocation/devices/config/0/opaque/parameters/sharing/timeSlicingConfig/interval",
       }) {
    for (const std::string& text : kHostile) {
      SCOPED_TRACE(std::string(place) + ": " + json(text.substr(0, 40)).dump());
      json hostile = stored;
      ASSERT_TRUE(hostile.contains(json::json_pointer(place)));
      hostile[json::json_pointer(place)] = text;
      answer(hostile);
      expectHarmless(ref);
    }
  }
}

TEST_F(InjectionTest, NoNameOfAClaimGetsWhereItMeansSomethingElse) {
  answer(stored);
  ASSERT_OK(prepare(ref));
  usual = variablesOf(*cdi::parse(files.content(kRoot / files.names(kRoot).at(0))));
  ASSERT_OK(unprepare(ref));

  for (const std::string& text : kHostile) {
    SCOPED_TRACE(json(text.substr(0, 40)).dump());
    expectHarmless({.space = text, .name = ref.name, .uid = ref.uid});
    expectHarmless({.space = ref.space, .name = text, .uid = ref.uid});
    EXPECT_FALSE(prepare({.space = ref.space, .name = ref.name, .uid = text}));
    EXPECT_THAT(files.names(kRoot), IsEmpty());
  }
}

}  // namespace
}  // namespace simgpu::claim
