#include <gmock/gmock.h>

#include "app/controller.h"
#include "fakes/result_matchers.h"

namespace simgpu::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class ControllerFlagsTest : public testing::Test {
 protected:
  Result<ParsedCommandLine> parse(std::vector<std::string> words, const Environment& environment = {}) {
    words.insert(words.begin(), "dra-example-controller");
    return parseCommandLine(std::move(words), environment, {controllerSubcommand(flags)});
  }

  ControllerFlags flags;
};

TEST_F(ControllerFlagsTest, AnUnknownPluginIsRefusedInTheWordsOfTheReference) {
  ASSERT_OK(parse({"-enable-plugin=BindingConditions,Foo"}));
  EXPECT_THAT(validate(flags),
              Fails(Code::invalidArgument,
                    "invalid value \"Foo\" for flag -enable-plugin: unknown plugin \"Foo\" (available: "
                    "BindingConditions)"));
}

TEST_F(ControllerFlagsTest, WrongValuesAreNamed) {
  EXPECT_THAT(parse({"-zap-encoder=xml"}), Fails(Code::invalidArgument, HasSubstr("expected json or console")));
  EXPECT_THAT(parse({"-zap-log-level=loud"}), Fails(Code::invalidArgument, HasSubstr("--zap-log-level: \"loud\"")));
  EXPECT_THAT(parse({"-zap-time-encoding=x"}), Fails(Code::invalidArgument, HasSubstr("expected one of epoch")));
  EXPECT_THAT(parse({"-zap-stacktrace-level=x"}), Fails(Code::invalidArgument, HasSubstr("expected one of info")));
  EXPECT_THAT(parse({"--fail-devices=gpu-1,/gpu-2"}), Fails(Code::invalidArgument, HasSubstr("<pool>/<device>")));
  flags.driverName = "GPU";
  EXPECT_THAT(validate(flags), Fails(Code::invalidArgument, HasSubstr("--driver-name: \"GPU\"")));
  flags.driverName = "";
  EXPECT_THAT(validate(flags), Fails(Code::invalidArgument, HasSubstr("--driver-name")));
}

TEST_F(ControllerFlagsTest, EveryFlagOfTheReferenceIsTakenWithOneDash) {
  auto parsed =
      parse({"-driver-name=my.example.com", "-enable-plugin=BindingConditions", "-kubeconfig=/k", "-zap-devel",
             "-zap-encoder=json", "-zap-log-level=3", "-zap-stacktrace-level=error", "-zap-time-encoding=rfc3339"});

  ASSERT_OK(parsed);
  EXPECT_EQ(parsed->subcommand, "controller");
  EXPECT_EQ(flags.driverName, "my.example.com");
  EXPECT_THAT(flags.plugins, ElementsAre("BindingConditions"));
  EXPECT_EQ(flags.kubeconfig, "/k");
  EXPECT_EQ(flags.log.format, base::LogFormat::json);
  EXPECT_EQ(flags.log.verbosity, 3);
  EXPECT_OK(validate(flags));
}

TEST_F(ControllerFlagsTest, ListsAreSeparatedByCommasOrRepeated) {
  ASSERT_OK(parse({"--enable-plugin=A,B", "--enable-plugin", "C", "--fail-devices=gpu-1,worker-*/gpu-2"}));
  EXPECT_THAT(flags.plugins, ElementsAre("A", "B", "C"));
  EXPECT_THAT(flags.failDevices, SizeIs(2));
}

TEST_F(ControllerFlagsTest, LogFlagsOfBothKindsMeanTheSame) {
  ASSERT_OK(parse({"-zap-devel=false", "-zap-log-level=debug"}));
  EXPECT_EQ(flags.log.format, base::LogFormat::json);
  EXPECT_EQ(flags.log.verbosity, 1);

  ASSERT_OK(parse({"-zap-devel=false", "--logging-format=text", "-v=4"}));
  EXPECT_EQ(flags.log.format, base::LogFormat::text);
  EXPECT_EQ(flags.log.verbosity, 4);
}

TEST_F(ControllerFlagsTest, DefaultsAreThoseOfTheReference) {
  ASSERT_OK(parse({}));
  EXPECT_EQ(flags.driverName, "gpu.example.com");
  EXPECT_THAT(flags.plugins, IsEmpty());
  EXPECT_EQ(flags.metricsPort, 8080);
  EXPECT_OK(validate(flags));
}

}  // namespace
}  // namespace simgpu::app
