// That no credential of the driver is ever told to anybody: not in its log, at any verbosity, nor in an Event or a
// file.

#include <csignal>
#include <fstream>
#include <regex>

#include <fmt/format.h>

#include "integration/node.h"
#include "unit/http/client.h"

namespace simgpu::integration {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kSecret = "s3cr3t-t0k3n-of-the-driver";
/// base64 of `driver:` and the secret.
constexpr const char* kSecretInBasicAuth = "ZHJpdmVyOnMzY3IzdC10MGszbi1vZi10aGUtZHJpdmVy";

class SecrecyTest : public NodeTest {
 protected:
  /// Replaces the user of the kubeconfig.
  void writeUser(const std::string& user) {
    std::ofstream(kubeconfig, std::ios::trunc) << fmt::format(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
        "clusters: [{{name: c, cluster: {{server: \"http://127.0.0.1:{}\"}}}}]\n"
        "users: [{{name: u, user: {}}}]\n"
        "contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n",
        port, user);
  }

  /// A credential plugin that says this; its path.
  std::string plugin(const std::string& says) {
    std::filesystem::path file = root / "plugin.sh";
    std::ofstream(file, std::ios::trunc) << "#!/bin/sh\n/bin/cat <<'END'\n" << says << "\nEND\n";
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    return file.string();
  }

  static std::string execUser(const std::string& path) {
    return fmt::format("{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: {}, interactiveMode: Never}}}}",
                       path);
  }

  /// Lets the driver do, and fail to do, whatever it knows.
  void exercise() {
    std::filesystem::remove(log);
    DaemonProcess driver =
        startDriver({"-v=10", "--gpu-device-status=true", "--device-metadata=true", "--metrics-port=0"});
    ASSERT_TRUE(kubelet->awaitPlugin(kDriver)) << driverLog();
    ASSERT_TRUE(awaitDevices(9)) << driverLog();
    claim::ClaimRef claim = cluster.claim("train", fakes::AllocationBuilder().device("gpu-1").build());
    ASSERT_TRUE(fakes::eventually([&] { return prepare(claim).has_value(); })) << driverLog();
    ASSERT_OK(prepare(claim));
    std::ofstream(specOf(claim), std::ios::trunc) << "damaged";
    ASSERT_OK(prepare(claim)) << "an Event tells of it";
    ASSERT_TRUE(fakes::eventually([&] { return !api.list("/api/v1/namespaces/team-a/events").empty(); }))
        << driverLog();
    EXPECT_FALSE(prepare({.space = "team-a", .name = "nobody", .uid = "u-9"}));
    for (int status : {401, 403, 500}) {
      api.intercept([status](const kube::HttpRequest&) {
        kube::HttpResponse answer;
        answer.status = status;
        answer.body = R"({"kind":"Status","code":0,"message":"no"})";
        return answer;
      });
      (void)prepare(claim);
    }
    api.intercept({});
    http->closeConnections();
    scrape();
    ASSERT_OK(unprepare(claim));
    cluster.deleteClaim("train");
    driver.signal(SIGTERM);
    ASSERT_EQ(driver.wait(), 0);
  }

  void scrape() {
    std::smatch match;
    std::string text = driverLog();
    ASSERT_TRUE(std::regex_search(text, match, std::regex("Serving metrics\" port=([0-9]+)"))) << text;
    http::Client client(static_cast<std::uint16_t>(std::stoi(match[1])));
    client.send("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    metrics = client.readAll();
    ASSERT_THAT(metrics, HasSubstr("dra_sim_gpu_"));
  }

  void expectNothingTold() {
    std::string events;
    for (const nlohmann::json& event : api.list("/api/v1/namespaces/team-a/events")) {
      events += event.dump();
    }
    for (const std::string& text : {driverLog(), metrics, events}) {
      EXPECT_THAT(text, Not(HasSubstr(kSecret)));
      EXPECT_THAT(text, Not(HasSubstr(kSecretInBasicAuth)));
      EXPECT_THAT(text, Not(HasSubstr("Bearer")));
    }
    EXPECT_THAT(driverLog(), HasSubstr("Claim is prepared already")) << "-v=10 is in force";
  }

  std::string metrics;
};

TEST_F(SecrecyTest, ATokenOfTheKubeconfigIsNeverTold) {
  startKubelet();
  writeUser(fmt::format("{{token: {}}}", kSecret));
  exercise();
  expectNothingTold();
}

TEST_F(SecrecyTest, APasswordOfTheKubeconfigIsNeverTold) {
  startKubelet();
  writeUser(fmt::format("{{username: driver, password: {}}}", kSecret));
  exercise();
  expectNothingTold();
}

TEST_F(SecrecyTest, ATokenOfACredentialPluginIsNeverTold) {
  startKubelet();
  writeUser(execUser(plugin(fmt::format(
      R"({{"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "status": {{"token": "{}"}}}})",
      kSecret))));
  exercise();
  expectNothingTold();
}

TEST_F(SecrecyTest, WhatACredentialPluginSaysIsNotToldIfItIsWrongEither) {
  writeUser(execUser(
      plugin(fmt::format(R"({{"kind": "ExecCredential", "status": {{"token": ["{}"]}}, {})", kSecret, kSecret))));
  DaemonProcess driver = startDriver({"-v=10"});
  ASSERT_TRUE(fakes::eventually([&] { return driverLog().find("its output is not valid JSON") != std::string::npos; }))
      << driverLog();
  EXPECT_THAT(driverLog(), Not(HasSubstr(kSecret)));
}

}  // namespace
}  // namespace simgpu::integration
