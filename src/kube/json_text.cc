#include "simgpu/base/utf8.h"
#include "simgpu/kube/json.h"

namespace simgpu::kube {
namespace {

using nlohmann::json;

/// Deeper documents are refused: comparing and printing them recurses. Kubernetes objects stay far below.
constexpr int kMaxDepth = 500;

/// The reason quotes the text, however long and whatever it is.
constexpr std::size_t kMaxReason = 300;

bool tooDeep(std::string_view text) {
  int depth = 0;
  bool inString = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (inString) {
      i += c == '\\' ? 1 : 0;
      inString = c != '"';
    } else if (c == '"') {
      inString = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxDepth) {
        return true;
      }
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

/// `line 1, column 5: …` of nlohmann's `[json.exception.…] parse error at line 1, column 5: …`.
std::string_view placeAndReason(std::string_view what) {
  if (auto at = what.find("] "); at != std::string_view::npos) {
    what.remove_prefix(at + 2);
  }
  constexpr std::string_view kPrefix = "parse error at ";
  if (what.starts_with(kPrefix)) {
    what.remove_prefix(kPrefix.size());
  }
  return what;
}

}  // namespace

Result<json> parseJson(std::string_view text) {
  if (tooDeep(text)) {
    return unexpected(Status::dataLoss("not usable JSON: nested more than {} levels deep", kMaxDepth));
  }
  try {
    return json::parse(text.begin(), text.end());
  } catch (const json::exception& e) {
    return unexpected(Status::dataLoss("not valid JSON: {}", base::excerpt(placeAndReason(e.what()), kMaxReason)));
  }
}

std::string dumpJson(const json& document) {
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace simgpu::kube
