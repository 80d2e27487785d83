#include "simgpu/base/json_writer.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace simgpu::base {

void appendJsonString(std::string& out, std::string_view text, bool ascii) {
  auto plain = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
  if (!std::ranges::all_of(text, plain)) {
    out += nlohmann::json(text).dump(-1, ' ', ascii, nlohmann::json::error_handler_t::replace);
    return;
  }
  out += '"';
  out += text;
  out += '"';
}

void JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  first_ = true;
}

void JsonWriter::close(char bracket) {
  out_ += bracket;
  first_ = false;
}

void JsonWriter::key(std::string_view name) {
  separate();
  appendJsonString(out_, name, ascii_);
  out_ += ':';
  first_ = true;
}

void JsonWriter::text(std::string_view value) {
  separate();
  appendJsonString(out_, value, ascii_);
}

void JsonWriter::texts(const std::vector<std::string>& values) {
  open('[');
  for (const std::string& value : values) {
    text(value);
  }
  close(']');
}

void JsonWriter::null() {
  separate();
  out_ += "null";
}

void JsonWriter::separate() {
  if (!first_) {
    out_ += ',';
  }
  first_ = false;
}

}  // namespace simgpu::base
