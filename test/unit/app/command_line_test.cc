#include <cmath>
#include <optional>

#include <gmock/gmock.h>

#include "app/flags.h"
#include "fakes/result_matchers.h"

namespace simgpu::app {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// A subcommand with one flag of each kind.
class CommandLineTest : public testing::Test {
 protected:
  Result<ParsedCommandLine> parse(std::vector<std::string> arguments, const Environment& environment = {}) {
    return parseCommandLine(std::move(arguments), environment, {subcommand()});
  }

  /// The words after `dra-sim-gpu serve`.
  Result<ParsedCommandLine> serve(std::vector<std::string> words, const Environment& environment = {}) {
    words.insert(words.begin(), {"/usr/bin/dra-sim-gpu", "kubelet-plugin"});
    return parse(std::move(words), environment);
  }

  Subcommand subcommand() {
    return {"kubelet-plugin",
            "Serve",
            {{"node-name", "NODE_NAME", "Name of the node", "", false, setText(name)},
             {"port", "PORT", "A port", "-1", false, setPort(port)},
             {"count", "", "A number", "3", false, setInteger(count, 0, 10)},
             {"qps", "QPS", "A rate", "5", false, setNumber(qps)},
             {"share", "SHARE", "Whether", "false", true, setBoolean(share)},
             {"v", "V", "Verbosity", "0", false, setInteger(verbosity, 0, 100)}}};
  }

  std::string name = "unset";
  std::int64_t port = -1;
  std::int64_t count = 3;
  std::int64_t verbosity = 0;
  double qps = 5;
  bool share = false;
};

TEST_F(CommandLineTest, AWrongValueNamesTheFlagTheValueAndWhatIsAllowed) {
  EXPECT_THAT(serve({"--count=11"}),
              Fails(Code::invalidArgument, "--count: \"11\": expected a whole number from 0 to 10"));
  EXPECT_THAT(serve({"--count", "x"}), Fails(Code::invalidArgument, HasSubstr("--count: \"x\"")));
  EXPECT_THAT(serve({"--count", "4x"}), Fails(Code::invalidArgument, HasSubstr("--count: \"4x\"")));
  EXPECT_THAT(serve({"--count", "99999999999999999999"}), Fails(Code::invalidArgument, HasSubstr("--count: ")));
  EXPECT_THAT(serve({"--count="}), Fails(Code::invalidArgument, HasSubstr("--count: \"\"")));
  EXPECT_THAT(serve({"--qps=nan"}), Fails(Code::invalidArgument, "--qps: \"nan\": expected a number"));
  EXPECT_THAT(serve({"--qps=inf"}), Fails(Code::invalidArgument, HasSubstr("--qps")));
  EXPECT_THAT(serve({"--share=maybe"}), Fails(Code::invalidArgument, "--share: \"maybe\": expected true or false"));
  EXPECT_THAT(serve({"--port=65536"}),
              Fails(Code::invalidArgument,
                    "--port: \"65536\": expected a port from 0 to 65535, or a negative number for none"));
}

TEST_F(CommandLineTest, AWrongValueInTheEnvironmentNamesTheVariable) {
  EXPECT_THAT(serve({}, {{"PORT", "http"}}),
              Fails(Code::invalidArgument, StartsWith("environment variable PORT: \"http\": expected a port")));
}

TEST_F(CommandLineTest, AnUnknownFlagIsNamed) {
  for (const char* flag : {"--nodename=x", "-nodename=x", "--nodename"}) {
    EXPECT_THAT(serve({"--node-name=a", flag}),
                Fails(Code::invalidArgument, "unknown flag --nodename; see dra-sim-gpu kubelet-plugin --help"));
  }
  EXPECT_THAT(parse({"dra-sim-gpu", "--foo"}),
              Fails(Code::invalidArgument, "unknown flag --foo; see dra-sim-gpu --help"));
}

TEST_F(CommandLineTest, OtherWordsAreRefusedInTheWordsOfTheReference) {
  EXPECT_THAT(serve({"--node-name=a", "extra", "words"}),
              Fails(Code::invalidArgument, StartsWith("arguments not supported: [extra words]; see ")));
}

TEST_F(CommandLineTest, ABooleanFlagDoesNotTakeTheNextWord) {
  EXPECT_THAT(serve({"--share", "false"}), Fails(Code::invalidArgument, HasSubstr("arguments not supported: [false]")));
}

TEST_F(CommandLineTest, AFlagWithoutItsValueIsRefused) {
  EXPECT_THAT(serve({"--node-name"}),
              Fails(Code::invalidArgument, AllOf(HasSubstr("--node-name"), Not(HasSubstr("\n")))));
}

TEST_F(CommandLineTest, WithoutASubcommandThereIsNothingToDo) {
  EXPECT_THAT(parse({"dra-sim-gpu"}), Fails(Code::invalidArgument, "a subcommand is needed; see dra-sim-gpu --help"));
  EXPECT_THAT(parse({}), Fails(Code::invalidArgument, "a subcommand is needed; see dra-sim-gpu --help"));
  EXPECT_THAT(parse({"dra-sim-gpu", "nonsense"}),
              Fails(Code::invalidArgument, "arguments not supported: [nonsense]; see dra-sim-gpu --help"));
}

TEST_F(CommandLineTest, LongFlagsTakeOneOrTwoDashesAndAnEqualsSignOrNot) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"--node-name=a"}, {"--node-name", "a"}, {"-node-name=a"}, {"-node-name", "a"}}) {
    name = "unset";
    auto parsed = serve(words);
    ASSERT_OK(parsed);
    EXPECT_EQ(parsed->subcommand, "kubelet-plugin");
    EXPECT_EQ(name, "a") << words[0];
  }
}

TEST_F(CommandLineTest, AShortFlagTakesItsValueInEveryWay) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"-v=4"}, {"-v", "4"}, {"-v4"}, {"--v=4"}, {"--v", "4"}}) {
    verbosity = 0;
    ASSERT_OK(serve(words)) << words[0];
    EXPECT_EQ(verbosity, 4) << words[0];
  }
}

TEST_F(CommandLineTest, ABooleanFlagAloneMeansTrue) {
  for (const char* word : {"--share", "-share", "--share=true", "-share=1", "--share=T"}) {
    share = false;
    ASSERT_OK(serve({word, "--node-name", "a"})) << word;
    EXPECT_TRUE(share) << word;
  }
  for (const char* word : {"--share=false", "-share=0", "--share=F"}) {
    share = true;
    ASSERT_OK(serve({word})) << word;
    EXPECT_FALSE(share) << word;
  }
}

TEST_F(CommandLineTest, NegativeNumbersAreValues) {
  port = 80;
  ASSERT_OK(serve({"--port", "-1"}));
  EXPECT_EQ(port, -1);
  ASSERT_OK(serve({"--port=-20"}));
  EXPECT_EQ(port, -1);
  ASSERT_OK(serve({"--qps", "-1.5"}));
  EXPECT_EQ(qps, -1.5);
}

TEST_F(CommandLineTest, TheEnvironmentStandsInForAFlag) {
  ASSERT_OK(serve({}, {{"NODE_NAME", "a"}, {"PORT", "0"}, {"SHARE", "true"}, {"V", "2"}, {"NAMESPACE", "ignored"}}));

  EXPECT_EQ(name, "a");
  EXPECT_EQ(port, 0);
  EXPECT_TRUE(share);
  EXPECT_EQ(verbosity, 2);
}

TEST_F(CommandLineTest, AnEmptyValueIsAValue) {
  for (const char* word : {"--node-name=", "-node-name="}) {
    name = "unset";
    ASSERT_OK(serve({word, "--share"}, {{"NODE_NAME", "a"}}));
    EXPECT_EQ(name, "");
  }
}

TEST_F(CommandLineTest, AnEmptyVariableIsNone) {
  ASSERT_OK(serve({}, {{"NODE_NAME", ""}, {"PORT", ""}, {"SHARE", ""}}));

  EXPECT_EQ(name, "unset");
}

TEST_F(CommandLineTest, AFlagWinsOverTheEnvironmentAndItsErrors) {
  ASSERT_OK(serve({"--node-name=a", "--port=1"}, {{"NODE_NAME", "b"}, {"PORT", "nonsense"}}));

  EXPECT_EQ(name, "a");
  EXPECT_EQ(port, 1);
}

TEST_F(CommandLineTest, TheLastOfARepeatedFlagCounts) {
  ASSERT_OK(serve({"--node-name=a", "-node-name", "b", "--share", "--share=false"}));

  EXPECT_EQ(name, "b");
  EXPECT_FALSE(share);
}

TEST_F(CommandLineTest, TheReferencesProgramNameImpliesTheSubcommand) {
  auto parsed = parse({"/usr/bin/dra-example-kubeletplugin", "--node-name=a"});
  ASSERT_OK(parsed);
  EXPECT_EQ(parsed->subcommand, "kubelet-plugin");
  EXPECT_EQ(name, "a");

  EXPECT_THAT(parse({"dra-example-kubeletplugin", "--foo"}),
              Fails(Code::invalidArgument, "unknown flag --foo; see dra-sim-gpu kubelet-plugin --help"));
}

std::optional<std::string> printed(const Result<ParsedCommandLine>& parsed) {
  return parsed && parsed->subcommand.empty() ? std::optional(parsed->print) : std::nullopt;
}

TEST_F(CommandLineTest, VersionIsPrintedEverywhere) {
  for (const auto& words : std::vector<std::vector<std::string>>{{"dra-sim-gpu", "--version"},
                                                                 {"dra-sim-gpu", "-version"},
                                                                 {"dra-sim-gpu", "kubelet-plugin", "--version"},
                                                                 {"dra-example-kubeletplugin", "-version"}}) {
    EXPECT_THAT(printed(parse(words)), testing::Optional(AllOf(StartsWith("dra-sim-gpu "), HasSubstr("(commit "))));
  }
}

TEST_F(CommandLineTest, HelpOfTheProgramListsTheSubcommands) {
  for (const char* word : {"--help", "-help", "-h"}) {
    EXPECT_THAT(printed(parse({"dra-sim-gpu", word})),
                testing::Optional(AllOf(HasSubstr("kubelet-plugin"), HasSubstr("Serve"))));
  }
}

TEST_F(CommandLineTest, HelpOfASubcommandTellsVariablesAndDefaults) {
  auto help = printed(serve({"--help"}));

  ASSERT_TRUE(help);
  EXPECT_THAT(*help, HasSubstr("Usage: dra-sim-gpu kubelet-plugin [OPTIONS]"));
  EXPECT_THAT(*help, HasSubstr("--node-name VALUE"));
  EXPECT_THAT(*help, HasSubstr("A port (default -1) [$PORT]"));
  EXPECT_THAT(*help, HasSubstr("--share [=true|false]"));
  EXPECT_THAT(*help, Not(HasSubstr("TEXT")));
}

}  // namespace
}  // namespace simgpu::app
