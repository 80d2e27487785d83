#include <gmock/gmock.h>

#include "app/webhook.h"
#include "fakes/result_matchers.h"

namespace simgpu::app {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class WebhookFlagsTest : public testing::Test {
 protected:
  Result<ParsedCommandLine> parse(std::vector<std::string> words, const Environment& environment = {}) {
    words.insert(words.begin(), "dra-example-webhook");
    return parseCommandLine(std::move(words), environment, {webhookSubcommand(flags)});
  }

  WebhookFlags flags;
};

TEST_F(WebhookFlagsTest, MissingFilesAreNamedInTheWordsOfTheReference) {
  EXPECT_THAT(validate(flags), Fails(Code::invalidArgument,
                                     StartsWith("Required flags \"tls-cert-file, tls-private-key-file\" not set")));
  flags.certificateFile = "/cert/tls.crt";
  EXPECT_THAT(validate(flags),
              Fails(Code::invalidArgument, StartsWith("Required flag \"tls-private-key-file\" not set")));
  flags.privateKeyFile = "/cert/tls.key";
  EXPECT_OK(validate(flags));
}

TEST_F(WebhookFlagsTest, WrongValuesAreNamed) {
  EXPECT_THAT(parse({"--port=65536"}),
              Fails(Code::invalidArgument, "--port: \"65536\": expected a whole number from 0 to 65535"));
  EXPECT_THAT(parse({"--port=-1"}), Fails(Code::invalidArgument, HasSubstr("--port: \"-1\"")));
  EXPECT_THAT(parse({"--logging-format=xml"}), Fails(Code::invalidArgument, HasSubstr("expected text or json")));
  flags = {.certificateFile = "c", .privateKeyFile = "k", .driverName = "GPU"};
  EXPECT_THAT(validate(flags), Fails(Code::invalidArgument, HasSubstr("--driver-name: \"GPU\"")));
}

TEST_F(WebhookFlagsTest, EveryFlagOfTheReferenceIsTaken) {
  auto parsed = parse({"--tls-cert-file=/cert/tls.crt", "--tls-private-key-file=/cert/tls.key", "--port=8443",
                       "--device-profile=gpu", "--driver-name=my.example.com", "--feature-gates=AllAlpha=true",
                       "--logging-format=json", "-v=4", "--vmodule=webhook=5", "--log-flush-frequency=5s",
                       "--log-json-info-buffer-size=0", "--log-text-info-buffer-size=0",
                       "--log-json-split-stream=false", "--log-text-split-stream=false"});

  ASSERT_OK(parsed);
  EXPECT_EQ(parsed->subcommand, "webhook");
  EXPECT_EQ(flags.certificateFile, "/cert/tls.crt");
  EXPECT_EQ(flags.privateKeyFile, "/cert/tls.key");
  EXPECT_EQ(flags.port, 8443);
  EXPECT_EQ(flags.driverName, "my.example.com");
  EXPECT_EQ(flags.log.verbosity, 4);
}

TEST_F(WebhookFlagsTest, DefaultsAndVariablesAreThoseOfTheReference) {
  ASSERT_OK(parse({}, {{"DRIVER_NAME", "my.example.com"}, {"DEVICE_PROFILE", "net"}, {"PORT", "1"}}));

  EXPECT_EQ(flags.port, 443);
  EXPECT_EQ(flags.driverName, "my.example.com");
  EXPECT_EQ(flags.deviceProfile, "net");
}

}  // namespace
}  // namespace simgpu::app
