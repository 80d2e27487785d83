#include "simgpu/base/json_writer.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace simgpu::base {
namespace {

TEST(JsonWriterTest, MembersAndElementsAreSeparatedByCommas) {
  JsonWriter json;
  json.open('{');
  json.key("a");
  json.open('[');
  json.text("x");
  json.null();
  json.open('{');
  json.close('}');
  json.close(']');
  json.key("b");
  json.open('[');
  json.close(']');
  json.key("c");
  json.text("");
  json.close('}');
  EXPECT_EQ(std::move(json).take(), R"({"a":["x",null,{}],"b":[],"c":""})");
}

TEST(JsonWriterTest, AnyTextIsWhatTheLibraryMakesOfIt) {
  for (std::string_view text :
       {"plain text", "", "\"quoted\"", "back\\slash", "tab\tnewline\n\x01\x7f", "é €", "bad \xff\xc3", "</script>"}) {
    for (bool ascii : {false, true}) {
      std::string out = "before ";
      appendJsonString(out, text, ascii);
      EXPECT_EQ(out, "before " + nlohmann::json(text).dump(-1, ' ', ascii, nlohmann::json::error_handler_t::replace));
    }
  }
}

}  // namespace
}  // namespace simgpu::base
