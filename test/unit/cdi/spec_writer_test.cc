#include "fakes/golden.h"
#include "fakes/result_matchers.h"
#include "unit/cdi/spec_builder.h"

namespace simgpu::cdi {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(SpecWriter, AClaimIsWrittenAsTheGoldenFile) {
  fakes::expectGolden(render(claimSpec()), "cdi/claim.yaml");
}

TEST(SpecWriter, TextThatYamlWouldTakeForSomethingElseIsQuoted) {
  for (const char* text :
       {"true", "True", "NULL", "yes", "Off", "n",  "1e5", "0x10", "12", "1.5", ".5", "~", "",  "- a",
        "a: b", "a #b", "*a",   "&a",  "!a",  "%a", "@a",  "`a",   "{a", "[a",  "'a", "|", ">", "2001-01-01"}) {
    Spec spec = smallSpec();
    spec.annotations["key"] = text;
    EXPECT_THAT(render(spec), HasSubstr("    key: \"" + std::string(text) + "\"\n"));
  }
  EXPECT_THAT(render(smallSpec("1e5")), HasSubstr("- name: \"1e5\"\n"));
  EXPECT_THAT(render(smallSpec("true")), HasSubstr("- name: \"true\"\n"));
}

TEST(SpecWriter, WhatItWritesReadsBackTheSame) {
  using namespace std::string_literals;
  Spec spec = claimSpec();
  for (const auto& [key, text] : std::map<std::string, std::string>{{"lines", "a\nb\r\n\tc\n"},
                                                                    {"quotes", R"("\'\n)"},
                                                                    {"spaces", "  a  "},
                                                                    {"controls", "\0\x01\x1b\x7f"s},
                                                                    {"unicode",
                                                                     "\xc2\x85 \xc3\xa4 \xe2\x80\xa8"
                                                                     "\xef\xbb\xbf \xf0\x9f\x98\x80"},
                                                                    {"word", "no"},
                                                                    {"tilde", "~"},
                                                                    {"nothing", ""},
                                                                    {"null", "null"},
                                                                    {"json", R"({"a":[1,2,"\u00e4"]})"}}) {
    spec.annotations[key] = text;
  }
  spec.devices.push_back({"1e5-4", {{"A=# no comment", "B= ", "C=\xc3\xa4: [x]", "D=\\\"'"}}});
  ASSERT_OK(validate(spec));

  EXPECT_THAT(parse(render(spec)), IsOkAndHolds(spec));
}

TEST(SpecWriter, MountsAreWrittenAfterTheEnvironmentAndAloneWithoutIt) {
  Spec spec = smallSpec();
  spec.devices[0].edits.mounts = {{.hostPath = "/a b", .containerPath = "/c", .options = {"ro", "bind"}},
                                  {.hostPath = "/d", .containerPath = "/e: f", .options = {}}};
  spec.devices.push_back(
      {.name = "mount",
       .edits = {.env = {}, .mounts = {{.hostPath = "/g", .containerPath = "/h", .options = {"ro"}}}}});
  ASSERT_OK(validate(spec));

  EXPECT_THAT(render(spec), HasSubstr("    - name: mount\n"
                                      "      containerEdits:\n"
                                      "          mounts:\n"
                                      "              - hostPath: \"/g\"\n"
                                      "                containerPath: \"/h\"\n"
                                      "                options:\n"
                                      "                    - ro\n"));
  EXPECT_THAT(parse(render(spec)), IsOkAndHolds(spec));
}

TEST(SpecWriter, EverySingleCharacterSurvives) {
  for (char32_t point = 0; point < 0x100; ++point) {
    Spec spec = smallSpec();
    std::string& text = spec.annotations["key"];
    if (point < 0x80) {
      text = static_cast<char>(point);
    } else {
      text = {static_cast<char>(0xc0 | point >> 6), static_cast<char>(0x80 | (point & 0x3f))};
    }
    EXPECT_THAT(parse(render(spec)), IsOkAndHolds(spec)) << static_cast<unsigned>(point);
  }
}

TEST(SpecWriter, TheFileStartsAsADocument) {
  EXPECT_THAT(render(smallSpec()), StartsWith("---\ncdiVersion: \"0.3.0\"\n"));
}

}  // namespace
}  // namespace simgpu::cdi
