#include "simgpu/base/log.h"

#include <nlohmann/json.hpp>

#include "fakes/fake_clock.h"
#include "fakes/memory_log.h"
#include "fakes/result_matchers.h"

namespace simgpu::base {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;

class LogTest : public testing::Test {
 protected:
  Logger logger(LogOptions options = {}) { return {sink, clock, std::move(options)}; }

  fakes::FakeClock clock;
  fakes::MemoryLog sink;
};

TEST_F(LogTest, TextLinesHaveKlogsHeaderAndKeyValuePairs) {
  logger()
      .with({{"driver", "gpu.example.com"}})
      .info("Preparing claim", {{"uid", "u-1"}, {"devices", 2}, {"ok", true}});

  EXPECT_THAT(sink.lines(), ElementsAre(MatchesRegex(
                                R"(I[0-9]{4} [0-9:]{8}\.[0-9]{6} +[0-9]+ log_test\.cc:[0-9]+\] "Preparing claim")"
                                R"( driver="gpu\.example\.com" uid="u-1" devices=2 ok=true)")));
}

TEST_F(LogTest, ErrorsCarryTheMessageAsErr) {
  logger().error(Status::notFound("gone"), "Sweep failed", {{"count", 1u}});
  EXPECT_THAT(sink.lines(), ElementsAre(HasSubstr(R"("Sweep failed" err="gone" count=1)")));
}

TEST_F(LogTest, ControlCharactersAndBadUtf8CannotForgeALine) {
  logger().info("x", {{"name", std::string("a\nI0101 forged \xff\x01")}});
  EXPECT_THAT(sink.lines(), ElementsAre(HasSubstr(R"(name="a\nI0101 forged )")));
  EXPECT_EQ(sink.lines().front().find('\n'), std::string::npos);
}

TEST_F(LogTest, JsonLinesAreJson) {
  logger({.format = LogFormat::json, .verbosity = 4}).v(4).info("hello", {{"n", -1}, {"list", RawJson{"[1,2]"}}});

  auto line = nlohmann::json::parse(sink.lines().front());
  EXPECT_EQ(line["msg"], "hello");
  EXPECT_EQ(line["v"], 4);
  EXPECT_EQ(line["n"], -1);
  EXPECT_EQ(line["list"][1], 2);
  EXPECT_TRUE(line["ts"].is_number());
}

TEST_F(LogTest, VerbosityDropsMessagesAndVmoduleRaisesItForAFile) {
  logger({.verbosity = 2}).v(3).info("dropped");
  logger({.verbosityByFile = "other=9,log_*=3"}).v(3).info("kept");
  EXPECT_THAT(sink.lines(), ElementsAre(HasSubstr("kept")));
}

TEST_F(LogTest, AWrongVmoduleIsRefusedNamingThePart) {
  EXPECT_THAT(Logger::validate({.verbosityByFile = "a=1,b=x"}), Fails(Code::invalidArgument, HasSubstr("\"b=x\"")));
  EXPECT_OK(Logger::validate({.verbosityByFile = "a=1,b*=2"}));
}

TEST_F(LogTest, ADefaultLoggerDropsEverything) {
  Logger().info("nothing");
  Logger().error(Status::internal("x"), "nothing");
  EXPECT_FALSE(Logger().enabled());
}

}  // namespace
}  // namespace simgpu::base
