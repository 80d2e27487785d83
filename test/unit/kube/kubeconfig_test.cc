#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes/fake_files.h"
#include "fakes/result_matchers.h"
#include "simgpu/kube/config.h"

namespace simgpu::kube {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::StartsWith;

class KubeconfigTest : public testing::Test {
 protected:
  Result<Config> read(const std::string& text) {
    files.put("/etc/kube/config", text);
    return kubeconfig(files, "/etc/kube/config");
  }

  /// A file with one context; `cluster` and `user` are YAML flow mappings.
  Result<Config> readParts(const std::string& cluster, const std::string& user) {
    return read(fmt::format(R"(apiVersion: v1
kind: Config
current-context: c
contexts: [{{name: other, context: {{cluster: none, user: none}}}}, {{name: c, context: {{cluster: k, user: u}}}}]
clusters: [{{name: k, cluster: {}}}]
users: [{{name: u, user: {}}}]
)",
                            cluster, user));
  }

  Result<Config> readUser(const std::string& user) { return readParts("{server: 'https://x:1'}", user); }
  Result<Config> readCluster(const std::string& cluster) { return readParts(cluster, "{}"); }

  fakes::FakeFiles files;
};

TEST_F(KubeconfigTest, AMissingOrBrokenFileIsNamed) {
  EXPECT_THAT(kubeconfig(files, "/etc/kube/none"), Fails(Code::notFound, HasSubstr("/etc/kube/none")));
  EXPECT_THAT(read("a: [1"),
              Fails(Code::invalidArgument, AllOf(StartsWith("kubeconfig /etc/kube/config: error at line"),
                                                 testing::Not(HasSubstr("yaml-cpp")))));
  EXPECT_THAT(read("[]"), Fails(Code::invalidArgument, HasSubstr("expected a mapping")));
}

TEST_F(KubeconfigTest, WhatReferencesPointNowhereIsNamed) {
  EXPECT_THAT(read(""), Fails(Code::invalidArgument, HasSubstr("current-context: missing")));
  EXPECT_THAT(read("current-context: y\n"),
              Fails(Code::invalidArgument,
                    "kubeconfig /etc/kube/config: contexts: no context \"y\", which current-context names"));
  EXPECT_THAT(read("current-context: y\ncontexts: [{name: y, context: {cluster: k}}]\n"),
              Fails(Code::invalidArgument,
                    "kubeconfig /etc/kube/config: clusters: no cluster \"k\", which context \"y\" names"));
  EXPECT_THAT(read("current-context: y\ncontexts: [{name: y, context: {cluster: k, user: u}}]\n"
                   "clusters: [{name: k, cluster: {server: 'https://x'}}]\n"),
              Fails(Code::invalidArgument, HasSubstr("users: no user \"u\", which context \"y\" names")));
}

TEST_F(KubeconfigTest, WrongFieldsAreNamed) {
  struct Case {
    const char* cluster;
    const char* user;
    const char* message;
  };
  const char* good = "{server: 'https://x:1'}";
  for (const auto& [cluster, user, message] : std::initializer_list<Case>{
           {"{}", "{}", "clusters[k].cluster.server: expected https://host:port, found \"\""},
           {"{server: 'x:1'}", "{}", "clusters[k].cluster.server: expected https://host:port, found \"x:1\""},
           {"{server: 'https://u:p@x'}", "{}", "clusters[k].cluster.server: expected https://host:port without"},
           {"{server: [1]}", "{}", "clusters[k].cluster.server: expected text"},
           {"{server: 'https://x', insecure-skip-tls-verify: maybe}", "{}",
            "clusters[k].cluster.insecure-skip-tls-verify: expected true or false, found \"maybe\""},
           {"{server: 'https://x', insecure-skip-tls-verify: true, certificate-authority: a}", "{}",
            "clusters[k].cluster.insecure-skip-tls-verify: not allowed together with"},
           {"{server: 'https://x', certificate-authority-data: '***'}", "{}",
            "clusters[k].cluster.certificate-authority-data: not valid base64"},
           {"[]", "{}", "clusters[k].cluster: expected a mapping"},
           {good, "{client-certificate: a}", "users[u].user: client-certificate and client-key must be given"},
           {good, "{as: root}", "users[u].user.as: impersonation is not supported"},
           {good, "{as-groups: [a]}", "users[u].user.as-groups: impersonation is not supported"},
           {good, "{as-uid: a}", "users[u].user.as-uid: impersonation is not supported"},
           {good, "{as-user-extra: {a: [b]}}", "users[u].user.as-user-extra: impersonation is not supported"},
           {good, "{auth-provider: {name: gcp}}", "users[u].user.auth-provider: not supported: use exec"},
           {good, "{token: t, username: n}", "users[u].user.username: not allowed together with a token"}}) {
    EXPECT_THAT(readParts(cluster, user),
                Fails(Code::invalidArgument, AllOf(StartsWith("kubeconfig /etc/kube/config: "), HasSubstr(message))))
        << cluster << user;
  }
}

TEST_F(KubeconfigTest, WrongPluginsAreNamed) {
  const std::string v1 = "apiVersion: client.authentication.k8s.io/v1";
  struct Case {
    std::string exec;
    const char* message;
  };
  for (const auto& [exec, message] : std::initializer_list<Case>{
           {v1 + ", interactiveMode: Never", "users[u].user.exec.command: missing"},
           {"command: x", "users[u].user.exec.apiVersion: \"\" is not supported"},
           {"command: x, apiVersion: client.authentication.k8s.io/v1alpha1", "exec.apiVersion: \"client"},
           {v1 + ", command: x", "exec.interactiveMode: expected Never or IfAvailable, found \"\""},
           {v1 + ", command: x, interactiveMode: Always", "exec.interactiveMode: Always is not supported"},
           {v1 + ", command: x, interactiveMode: Never, args: [[]]", "exec.args: expected a list of texts"},
           {v1 + ", command: x, interactiveMode: Never, args: 5", "exec.args: expected a list"}}) {
    EXPECT_THAT(readUser("{exec: {" + exec + "}}"), Fails(Code::invalidArgument, HasSubstr(message))) << exec;
  }
  EXPECT_THAT(readUser("{token: t, exec: {" + v1 + ", command: x, interactiveMode: Never}}"),
              Fails(Code::invalidArgument, HasSubstr("users[u].user.exec: not allowed together")));
}

TEST_F(KubeconfigTest, NoSecretIsInAMessage) {
  auto result = readUser("{client-key-data: 'c2VjcmV0*', client-certificate: a, token: hunter2, as: x}");
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message(), testing::Not(testing::AnyOf(HasSubstr("c2Vj"), HasSubstr("hunter2"))));
}

TEST_F(KubeconfigTest, AUserWithFilesIsReadRelativeToTheFile) {
  auto config = readParts(
      "{server: 'https://x:1/prefix/', certificate-authority: pki/ca.crt, tls-server-name: kube, "
      "proxy-url: 'http://p:3128'}",
      "{client-certificate: /abs/c.crt, client-key: ../c.key, tokenFile: t, token: ignored}");
  ASSERT_OK(config);
  EXPECT_EQ(config->server, "https://x:1/prefix");
  EXPECT_EQ(config->certificateAuthority, (Material{"", "/etc/kube/pki/ca.crt"}));
  EXPECT_EQ(config->tlsServerName, "kube");
  EXPECT_EQ(config->proxyUrl, "http://p:3128");
  EXPECT_EQ(config->clientCertificate.file, "/abs/c.crt");
  EXPECT_EQ(config->clientKey.file, "/etc/kube/../c.key");
  EXPECT_EQ(config->tokenFile, "/etc/kube/t");
  EXPECT_EQ(config->origin, "/etc/kube/config");
  EXPECT_FALSE(config->noProxy);
}

TEST_F(KubeconfigTest, InlineDataWinsOverFiles) {
  auto config = readParts(
      "{server: 'https://x', certificate-authority: a, certificate-authority-data: UEVN}",
      "{client-certificate-data: Q0VSVA==, client-certificate: a, client-key-data: S0VZ, username: n, password: p}");
  ASSERT_OK(config);
  EXPECT_EQ(config->certificateAuthority, (Material{"PEM", ""}));
  EXPECT_EQ(config->clientCertificate.inlineData, "CERT");
  EXPECT_EQ(config->clientKey.inlineData, "KEY");
  EXPECT_EQ(config->username, "n");
  EXPECT_EQ(config->password, "p");
}

TEST_F(KubeconfigTest, APluginIsRead) {
  auto config = readUser(R"({exec: {command: bin/get-token, args: [--cluster, "1"], env: [{name: A, value: b}],
      apiVersion: client.authentication.k8s.io/v1, interactiveMode: IfAvailable, installHint: "install it",
      provideClusterInfo: true}})");
  ASSERT_OK(config);
  ASSERT_TRUE(config->exec);
  EXPECT_EQ(config->exec->command, "/etc/kube/bin/get-token");
  EXPECT_THAT(config->exec->args, ElementsAre("--cluster", "1"));
  EXPECT_THAT(config->exec->env, ElementsAre(Pair("A", "b")));
  EXPECT_EQ(config->exec->installHint, "install it");
  EXPECT_TRUE(config->exec->provideClusterInfo);
}

TEST_F(KubeconfigTest, ABetaPluginNeedsNoInteractiveModeAndIsFoundInPath) {
  auto config = readUser("{exec: {command: aws, apiVersion: client.authentication.k8s.io/v1beta1, args: null}}");
  ASSERT_OK(config);
  EXPECT_EQ(config->exec->command, "aws");
}

TEST_F(KubeconfigTest, NullsAndUnknownFieldsAreIgnored) {
  auto config = read(R"(
current-context: c
preferences: {}
contexts:
- name: c
  context: {cluster: k, user: null, namespace: x, extensions: []}
clusters:
- name: k
  cluster: {server: "http://localhost:8080", certificate-authority: null, disable-compression: true}
users: null
)");
  ASSERT_OK(config);
  EXPECT_EQ(config->server, "http://localhost:8080");
}

}  // namespace
}  // namespace simgpu::kube
