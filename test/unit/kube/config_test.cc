#include "simgpu/kube/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes/fake_files.h"
#include "fakes/result_matchers.h"

namespace simgpu::kube {
namespace {

using testing::HasSubstr;

class InClusterTest : public testing::Test {
 protected:
  void SetUp() override {
    files.put("/sa/token", "t");
    files.put("/sa/ca.crt", "PEM");
  }

  Result<Config> config(const std::string& host, const std::string& port) {
    return inClusterConfig(files, {{"KUBERNETES_SERVICE_HOST", host}, {"KUBERNETES_SERVICE_PORT", port}}, "/sa");
  }

  fakes::FakeFiles files;
};

TEST_F(InClusterTest, OutsideOfAPodTheMessageIsTheOneEverybodyKnows) {
  const auto* message =
      "unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined";
  EXPECT_THAT(inClusterConfig(files, {}, "/sa"), Fails(Code::failedPrecondition, message));
  EXPECT_THAT(config("10.0.0.1", ""), Fails(Code::failedPrecondition, message));
  EXPECT_THAT(config("", "443"), Fails(Code::failedPrecondition, message));
}

TEST_F(InClusterTest, AMissingFileIsNamed) {
  ASSERT_OK(files.remove("/sa/ca.crt"));
  EXPECT_THAT(config("10.0.0.1", "443"), Fails(Code::notFound, HasSubstr("/sa/ca.crt")));
  ASSERT_OK(files.remove("/sa/token"));
  EXPECT_THAT(config("10.0.0.1", "443"), Fails(Code::notFound, HasSubstr("/sa/token")));
}

TEST_F(InClusterTest, TheServiceAccountIsUsedWithoutProxies) {
  auto result = config("10.0.0.1", "6443");
  ASSERT_OK(result);
  EXPECT_EQ(result->server, "https://10.0.0.1:6443");
  EXPECT_EQ(result->tokenFile, "/sa/token");
  EXPECT_EQ(result->certificateAuthority.file, "/sa/ca.crt");
  EXPECT_TRUE(result->noProxy);
  EXPECT_FALSE(result->insecureSkipTlsVerify);
}

TEST_F(InClusterTest, Ipv6AddressesGetBrackets) {
  auto result = config("fd00::1", "443");
  ASSERT_OK(result);
  EXPECT_EQ(result->server, "https://[fd00::1]:443");
}

}  // namespace
}  // namespace simgpu::kube
