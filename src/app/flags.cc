#include "app/flags.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

namespace simgpu::app {
namespace {

constexpr std::int64_t kHighestPort = 65535;
constexpr std::size_t kLongestDriverName = 63;

bool isDnsLabel(std::string_view label) {
  auto alphanumeric = [](unsigned char c) { return std::islower(c) != 0 || std::isdigit(c) != 0; };
  return !label.empty() && label.size() <= 63 && alphanumeric(static_cast<unsigned char>(label.front())) &&
         alphanumeric(static_cast<unsigned char>(label.back())) &&
         std::ranges::all_of(label, [&](unsigned char c) { return alphanumeric(c) || c == '-'; });
}

}  // namespace

bool isDnsSubdomain(std::string_view name, std::size_t longest) {
  if (name.empty() || name.size() > longest) {
    return false;
  }
  for (std::size_t start = 0; start <= name.size();) {
    std::size_t dot = std::min(name.find('.', start), name.size());
    if (!isDnsLabel(name.substr(start, dot - start))) {
      return false;
    }
    start = dot + 1;
  }
  return true;
}

Status checkDriverName(std::string_view name) {
  if (name.empty() || isDnsSubdomain(name, kLongestDriverName)) {
    return {};
  }
  return Status::invalidArgument(
      "--driver-name: \"{}\": expected a DNS name: at most {} lower-case letters, digits, '-' and '.'", name,
      kLongestDriverName);
}

std::function<Status(std::string_view)> setText(std::string& target) {
  return [&target](std::string_view text) {
    target = text;
    return Status();
  };
}

std::function<Status(std::string_view)> setBoolean(bool& target) {
  return [&target](std::string_view text) {
    // The forms that Go's strconv.ParseBool takes.
    static constexpr std::string_view kTrue[] = {"1", "t", "T", "TRUE", "true", "True"};
    static constexpr std::string_view kFalse[] = {"0", "f", "F", "FALSE", "false", "False"};
    if (std::ranges::find(kTrue, text) != std::end(kTrue)) {
      target = true;
    } else if (std::ranges::find(kFalse, text) != std::end(kFalse)) {
      target = false;
    } else {
      return Status::invalidArgument("expected true or false");
    }
    return Status();
  };
}

std::function<Status(std::string_view)> setInteger(std::int64_t& target, std::int64_t lowest, std::int64_t highest) {
  return [&target, lowest, highest](std::string_view text) {
    std::int64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < lowest || value > highest) {
      return Status::invalidArgument("expected a whole number from {} to {}", lowest, highest);
    }
    target = value;
    return Status();
  };
}

std::function<Status(std::string_view)> setPort(std::int64_t& target) {
  return [&target](std::string_view text) {
    std::int64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value > kHighestPort) {
      return Status::invalidArgument("expected a port from 0 to {}, or a negative number for none", kHighestPort);
    }
    target = std::max<std::int64_t>(value, -1);
    return Status();
  };
}

std::function<Status(std::string_view)> setNumber(double& target) {
  return [&target](std::string_view text) {
    double value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
      return Status::invalidArgument("expected a number");
    }
    target = value;
    return Status();
  };
}

}  // namespace simgpu::app
