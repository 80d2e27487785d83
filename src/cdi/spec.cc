#include "simgpu/cdi/spec.h"

#include <algorithm>
#include <set>

#include "simgpu/base/utf8.h"

namespace simgpu::cdi {
namespace {

constexpr std::size_t kMaxAnnotationsSize = 256
                                            << 10;  // tags.cncf.io/container-device-interface, ValidateSpecAnnotations

bool isDigit(char c) {
  return c >= '0' && c <= '9';
}
bool isLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool isAlphanumeric(char c) {
  return isDigit(c) || isLetter(c);
}
bool isControl(char c) {
  return (c >= 0 && c < 0x20) || c == 0x7f;
}

/// Whether `text` begins and ends alphanumeric and has nothing but those and `others` between.
bool isName(std::string_view text, std::string_view others) {
  return !text.empty() && isAlphanumeric(text.front()) && isAlphanumeric(text.back()) &&
         std::ranges::all_of(text,
                             [&](char c) { return isAlphanumeric(c) || others.find(c) != std::string_view::npos; });
}

Status validateKind(std::string_view kind) {
  auto slash = kind.find('/');
  if (slash == std::string_view::npos) {
    return Status::invalidArgument("kind: expected vendor/class, found \"{}\"", kind);
  }
  for (std::string_view part : {kind.substr(0, slash), kind.substr(slash + 1)}) {
    if (!isName(part, "_-.") || !isLetter(part.front())) {
      return Status::invalidArgument(
          "kind: expected a vendor and a class of letters, digits, '_', '-' and '.', starting with a letter, found "
          "\"{}\"",
          kind);
    }
  }
  return {};
}

Status validateMount(const Mount& mount) {
  for (const std::string& path : {mount.hostPath, mount.containerPath}) {
    if (!path.starts_with('/')) {
      return Status::invalidArgument("expected an absolute path, found \"{}\"", path);
    }
    if (std::ranges::any_of(path, isControl) || !base::isUtf8(path)) {
      return Status::invalidArgument("a path contains a control character or is not valid UTF-8");
    }
  }
  for (const std::string& option : mount.options) {
    if (option.empty() || std::ranges::any_of(option, isControl) || !base::isUtf8(option)) {
      return Status::invalidArgument("options: expected text without control characters");
    }
  }
  return {};
}

Status validateEdits(const ContainerEdits& edits) {
  for (std::size_t i = 0; i < edits.env.size(); ++i) {
    const std::string& entry = edits.env[i];
    auto equals = entry.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Status::invalidArgument("env[{}]: expected NAME=value", i);
    }
    if (std::ranges::any_of(entry, isControl)) {
      return Status::invalidArgument("env[{}]: {} contains a control character", i, entry.substr(0, equals));
    }
    if (!base::isUtf8(entry)) {
      return Status::invalidArgument("env[{}]: not valid UTF-8", i);
    }
  }
  for (std::size_t i = 0; i < edits.mounts.size(); ++i) {
    if (auto status = validateMount(edits.mounts[i]); !status) {
      return status.with("mounts[{}]", i);
    }
  }
  return {};
}

/// The key of an annotation: a Kubernetes qualified name, `name` or `dns.subdomain/name`.
bool isAnnotationKey(std::string_view key) {
  auto slash = key.find('/');
  if (slash != std::string_view::npos) {
    std::string_view prefix = key.substr(0, slash);
    if (prefix.size() > 253 || !isName(prefix, "-.")) {
      return false;
    }
    key.remove_prefix(slash + 1);
  }
  return key.size() <= 63 && isName(key, "-_.");
}

Status validateAnnotations(const std::map<std::string, std::string>& annotations) {
  std::size_t size = 0;
  for (const auto& [key, value] : annotations) {
    if (!isAnnotationKey(key)) {
      return Status::invalidArgument("annotations: expected a qualified name as key, found \"{}\"", key);
    }
    if (!base::isUtf8(value)) {
      return Status::invalidArgument("annotations[{}]: not valid UTF-8", key);
    }
    size += key.size() + value.size();
  }
  if (size > kMaxAnnotationsSize) {
    return Status::invalidArgument("annotations: {} bytes, but CDI allows {}", size, kMaxAnnotationsSize);
  }
  return {};
}

Status validateDevice(const Device& device) {
  if (!isName(device.name, "_-.:")) {
    return Status::invalidArgument(
        "name: expected letters, digits, '_', '-', '.' and ':' with a letter or digit at both ends, found \"{}\"",
        device.name);
  }
  if (device.edits.empty()) {
    return Status::invalidArgument("containerEdits: empty; the runtime would refuse the whole file");
  }
  return validateEdits(device.edits).with("containerEdits");
}

}  // namespace

std::string qualifiedName(std::string_view kind, std::string_view device) {
  return fmt::format("{}={}", kind, device);
}

Status validate(const Spec& spec) {
  if (auto status = validateKind(spec.kind); !status) {
    return status;
  }
  if (auto status = validateAnnotations(spec.annotations); !status) {
    return status;
  }
  if (auto status = validateEdits(spec.edits); !status) {
    return status.with("containerEdits");
  }
  if (spec.devices.empty()) {
    return Status::invalidArgument("devices: expected at least one");
  }
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < spec.devices.size(); ++i) {
    if (auto status = validateDevice(spec.devices[i]); !status) {
      return status.with("devices[{}]", i);
    }
    if (!names.insert(spec.devices[i].name).second) {
      return Status::invalidArgument("devices[{}]: name: \"{}\" is used twice", i, spec.devices[i].name);
    }
  }
  return {};
}

std::string_view minimumVersion(const Spec& spec) {
  auto slash = spec.kind.find('/');
  bool dotInClass = slash != std::string::npos && spec.kind.find('.', slash) != std::string::npos;
  if (!spec.annotations.empty() || dotInClass) {
    return "0.6.0";
  }
  bool digitFirst = std::ranges::any_of(
      spec.devices, [](const Device& device) { return !device.name.empty() && isDigit(device.name.front()); });
  return digitFirst ? "0.5.0" : "0.3.0";
}

}  // namespace simgpu::cdi
