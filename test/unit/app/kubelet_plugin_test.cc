#include "app/kubelet_plugin.h"

#include <fstream>

#include <gmock/gmock.h>

#include "fakes/result_matchers.h"
#include "fakes/temporary_directory.h"

namespace simgpu::app {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

/// What keeps the program from starting, before it touches anything.
class StartTest : public testing::Test {
 protected:
  StartTest() { flags.nodeName = "node-a"; }

  fakes::TemporaryDirectory directory;
  KubeletPluginFlags flags;
};

TEST_F(StartTest, WithoutAccessToAnApiServerTheMessageIsThatOfTheReference) {
  EXPECT_THAT(
      runKubeletPlugin(flags, {}),
      Fails(Code::failedPrecondition,
            "create client: create client configuration: create in-cluster client configuration: unable to load "
            "in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined"));
}

TEST_F(StartTest, AMissingKubeconfigIsNamed) {
  flags.kubeconfig = directory.path() / "missing";

  EXPECT_THAT(runKubeletPlugin(flags, {}),
              Fails(Code::notFound,
                    AllOf(HasSubstr("create out-of-cluster client configuration"), HasSubstr(flags.kubeconfig))));
}

TEST_F(StartTest, AnUnknownProfileIsAnsweredWithThoseThereAre) {
  flags.deviceProfile = "foo";

  EXPECT_THAT(runKubeletPlugin(flags, {}), Fails(Code::notFound, AllOf(HasSubstr("foo"), HasSubstr("gpu"))));
}

TEST_F(StartTest, AMissingProfileFileIsNamed) {
  flags.profileFile = directory.path() / "missing.yaml";

  EXPECT_THAT(runKubeletPlugin(flags, {}), Fails(Code::notFound, StartsWith("--profile-file: ")));
}

TEST_F(StartTest, AWrongProfileFileIsNamedWithItsLine) {
  flags.profileFile = directory.path() / "wrong.yaml";
  std::ofstream(flags.profileFile) << "nonsense\n";

  EXPECT_THAT(runKubeletPlugin(flags, {}), Fails(Code::invalidArgument, StartsWith(flags.profileFile + ":1: ")));
}

}  // namespace
}  // namespace simgpu::app
