#include "metrics/text.h"

#include <charconv>
#include <cmath>
#include <limits>

namespace simgpu::metrics {
namespace {

/// Label values; in help texts a quotation mark may stay as it is, and an escaped one would be wrong.
std::string escaped(std::string_view text, bool quoted) {
  std::string result;
  result.reserve(text.size());
  for (char c : text) {
    if (c == '\n') {
      result += "\\n";
    } else if (c == '\\' || (quoted && c == '"')) {
      result += {'\\', c};
    } else {
      result += c;
    }
  }
  return result;
}

std::string labelText(std::string_view name, std::string_view value) {
  std::string text(name);
  text += "=\"";
  text += escaped(value, true);
  text += '"';
  return text;
}

/// `a="1",b="2"`
std::string labelsText(std::span<const std::string> labels, std::span<const std::string> values) {
  std::string text;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    text += i == 0 ? "" : ",";
    text += labelText(labels[i], values[i]);
  }
  return text;
}

void writeSample(std::string_view name, std::string_view suffix, std::string_view labels, double value,
                 std::string& text) {
  text += name;
  text += suffix;
  if (!labels.empty()) {
    text += '{';
    text += labels;
    text += '}';
  }
  text += ' ';
  text += numberText(value);
  text += '\n';
}

}  // namespace

std::string numberText(double value) {
  if (std::isnan(value)) {
    return "NaN";
  }
  if (std::isinf(value)) {
    return value > 0 ? "+Inf" : "-Inf";
  }
  char digits[64];
  auto [end, error] = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::general);
  return {digits, end};
}

void writeHead(std::string_view name, std::string_view help, std::string_view type, std::string& text) {
  text += "# HELP ";
  text += name;
  text += ' ';
  text += escaped(help, false);
  text += "\n# TYPE ";
  text += name;
  text += ' ';
  text += type;
  text += '\n';
}

void writeSamples(std::string_view name, std::span<const std::string> labels, std::span<const std::string> values,
                  const Counter& counter, std::string& text) {
  writeSample(name, "", labelsText(labels, values), counter.value(), text);
}

void writeSamples(std::string_view name, std::span<const std::string> labels, std::span<const std::string> values,
                  const Gauge& gauge, std::string& text) {
  writeSample(name, "", labelsText(labels, values), gauge.value(), text);
}

void writeSamples(std::string_view name, std::span<const std::string> labels, std::span<const std::string> values,
                  const Histogram& histogram, std::string& text) {
  const std::string own = labelsText(labels, values);
  const std::string before = own.empty() ? "" : own + ",";
  auto [counts, sum] = histogram.snapshot();
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    total += counts[i];
    double bound = i < histogram.bounds().size() ? histogram.bounds()[i] : std::numeric_limits<double>::infinity();
    writeSample(name, "_bucket", before + labelText("le", numberText(bound)), static_cast<double>(total), text);
  }
  writeSample(name, "_sum", own, sum, text);
  writeSample(name, "_count", own, static_cast<double>(total), text);
}

}  // namespace simgpu::metrics
