#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace simgpu::base {

/// Appends `text` as a JSON string. What is not UTF-8 becomes U+FFFD; with `ascii`, all that is not ASCII is escaped.
void appendJsonString(std::string& out, std::string_view text, bool ascii = false);

/// Writes compact JSON text in the order in which it is told, without a tree of it: for what is written with each call.
class JsonWriter {
 public:
  explicit JsonWriter(bool ascii = false) : ascii_(ascii) {}

  /// `{` or `[`, and the other one for its end.
  void open(char bracket);
  void close(char bracket);

  /// Of the member whose value comes next.
  void key(std::string_view name);

  void text(std::string_view value);
  void texts(const std::vector<std::string>& values);
  void null();

  std::string take() && { return std::move(out_); }

 private:
  void separate();

  std::string out_;
  bool ascii_;
  bool first_ = true;  ///< Nothing to put a comma after.
};

}  // namespace simgpu::base
