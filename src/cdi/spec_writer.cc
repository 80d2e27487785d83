#include <algorithm>
#include <array>
#include <iterator>

#include "simgpu/base/utf8.h"
#include "simgpu/cdi/spec.h"

namespace simgpu::cdi {
namespace {

/// Whether every YAML parser, old and new, takes `text` for a string without quotes: a letter first, then nothing that
/// has a meaning, and none of the words for true, false and null.
bool isPlain(std::string_view text) {
  constexpr std::array<std::string_view, 9> kWords = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  auto harmless = [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || c == '/' || c == '=';
  };
  if (text.empty() || !letter(text.front()) || !std::ranges::all_of(text, harmless)) {
    return false;
  }
  return std::ranges::none_of(kWords, [&](std::string_view word) {
    return std::ranges::equal(word, text, {}, {},
                              [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  });
}

/// Whether single quotes save escapes: JSON in an annotation stays readable that way.
bool isBestInSingleQuotes(std::string_view text) {
  return text.find_first_of("\"\\") != std::string_view::npos &&
         std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f && c != '\''; });
}

/// Whether double quotes need no escapes.
bool isBestInDoubleQuotes(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
}

/// `text` as a YAML scalar on one line and in ASCII: plain where that is safe, else in quotes.
void appendScalar(std::string& out, std::string_view text) {
  if (isPlain(text)) {
    out += text;
    return;
  }
  if (isBestInSingleQuotes(text)) {
    out += '\'';
    out += text;
    out += '\'';
    return;
  }
  out += '"';
  if (isBestInDoubleQuotes(text)) {
    out += text;
    text = {};
  }
  while (!text.empty()) {
    char32_t point = base::takeCodePoint(text).value_or(0xfffd);
    if (point == '"' || point == '\\') {
      out += '\\';
      out += static_cast<char>(point);
    } else if (point >= 0x20 && point < 0x7f) {
      out += static_cast<char>(point);
    } else if (point <= 0xff) {
      fmt::format_to(std::back_inserter(out), "\\x{:02X}", static_cast<unsigned>(point));
    } else if (point <= 0xffff) {
      fmt::format_to(std::back_inserter(out), "\\u{:04X}", static_cast<unsigned>(point));
    } else {
      fmt::format_to(std::back_inserter(out), "\\U{:08X}", static_cast<unsigned>(point));
    }
  }
  out += '"';
}

/// The lines of a list, and no line at all if it is empty.
void appendList(std::string& out, std::string_view indent, std::string_view name,
                const std::vector<std::string>& entries) {
  if (entries.empty()) {
    return;
  }
  out.append(indent).append(name).append(":\n");
  for (const std::string& entry : entries) {
    out.append(indent).append("    - ");
    appendScalar(out, entry);
    out += '\n';
  }
}

void appendMounts(std::string& out, std::string_view indent, const std::vector<Mount>& mounts) {
  if (mounts.empty()) {
    return;
  }
  out.append(indent).append("mounts:\n");
  for (const Mount& mount : mounts) {
    out.append(indent).append("    - hostPath: ");
    appendScalar(out, mount.hostPath);
    out.append("\n").append(indent).append("      containerPath: ");
    appendScalar(out, mount.containerPath);
    out += '\n';
    appendList(out, std::string(indent) + "      ", "options", mount.options);
  }
}

void appendEdits(std::string& out, std::string_view indent, const ContainerEdits& edits) {
  out.append(indent).append("containerEdits:\n");
  std::string inner = std::string(indent) + "    ";
  appendList(out, inner, "env", edits.env);
  appendMounts(out, inner, edits.mounts);
}

}  // namespace

std::string render(const Spec& spec) {
  std::string out;
  out.reserve(2048);  // most specs fit
  out += "---\ncdiVersion: ";
  appendScalar(out, minimumVersion(spec));
  out += "\nkind: ";
  appendScalar(out, spec.kind);
  out += '\n';
  if (!spec.annotations.empty()) {
    out += "annotations:\n";
    for (const auto& [key, value] : spec.annotations) {
      out += "    ";
      appendScalar(out, key);
      out += ": ";
      appendScalar(out, value);
      out += '\n';
    }
  }
  if (!spec.edits.empty()) {
    appendEdits(out, "", spec.edits);
  }
  out += "devices:\n";
  for (const Device& device : spec.devices) {
    out += "    - name: ";
    appendScalar(out, device.name);
    out += '\n';
    appendEdits(out, "      ", device.edits);
  }
  return out;
}

}  // namespace simgpu::cdi
