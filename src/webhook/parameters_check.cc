#include "webhook/parameters_check.h"

#include <optional>
#include <variant>

namespace simgpu::webhook {
namespace {

constexpr std::string_view kUndecodable = "error decoding config parameters: ";
constexpr std::string_view kStrict = "strict decoding error: ";

/// How close the parameters came to what some kind of device accepts.
int closenessOf(const Status& status) {
  if (status.code() == Code::failedPrecondition) {
    return 2;  // understood
  }
  return status.message().find(" is registered for version ") == std::string::npos ? 1 : 0;
}

/// Decodes them for the kind of device that fits best.
Status decode(const device::Profile& profile, const nlohmann::json& parameters) {
  std::optional<Status> closest;
  for (const std::string& kind : profile.kinds()) {
    auto decoded = profile.decodeParameters(kind, parameters);
    const auto* config = decoded ? std::get_if<device::GpuConfig>(&*decoded) : nullptr;
    Status status = decoded ? Status() : decoded.error();
    if (config != nullptr) {
      status = device::checkSettings(*config).with("error validating GPU config");
    }
    if (status) {
      return {};
    }
    if (!closest || closenessOf(status) > closenessOf(*closest)) {
      closest = status;
    }
  }
  return closest.value_or(Status::invalidArgument("{}no device has any", kUndecodable));
}

/// Whether `message` says already that the field, or one that it is in, is unknown: then nobody looks into it.
bool isUnknown(std::string_view path, std::string_view message) {
  for (std::size_t end = path.find('.');; end = path.find('.', end + 1)) {
    if (message.find(fmt::format("unknown field \"{}\"", path.substr(0, end))) != std::string_view::npos) {
      return true;
    }
    if (end == std::string_view::npos) {
      return false;
    }
  }
}

/// Repeated fields are found while decoding, so they come before what validation says, and beside unknown fields.
Status withRepeated(const Status& decoded, const RepeatedFields& repeated) {
  std::string start = fmt::format("{}{}", kUndecodable, kStrict);
  bool isStrict = decoded.message().starts_with(start);
  if (decoded.code() == Code::invalidArgument && !isStrict) {
    return decoded;
  }
  std::string_view others = isStrict ? std::string_view(decoded.message()).substr(start.size()) : "";
  std::string all;
  for (const std::string& path : repeated) {
    if (!isUnknown(path, others)) {
      all += fmt::format("{}duplicate field \"{}\"", all.empty() ? "" : ", ", path);
    }
  }
  if (all.empty()) {
    return decoded;
  }
  return Status::invalidArgument("{}{}{}{}", start, all, others.empty() ? "" : ", ", others);
}

}  // namespace

std::string checkParameters(const device::Profile& profile, const nlohmann::json& parameters,
                            const RepeatedFields& repeated, std::string_view path) {
  if (parameters.is_null()) {
    return fmt::format(
        "error decoding object at {}: couldn't get version/kind; json parse error: unexpected end of JSON input", path);
  }
  Status status = withRepeated(decode(profile, parameters), repeated);
  if (status) {
    return "";
  }
  std::string_view message = status.message();
  if (status.code() == Code::invalidArgument) {
    message.remove_prefix(message.starts_with(kUndecodable) ? kUndecodable.size() : 0);
    return fmt::format("error decoding object at {}: {}", path, message);
  }
  // "error validating GPU config: …": which object that is, says the path.
  constexpr std::string_view kInvalid = " config: ";
  std::size_t cause = message.find(kInvalid);
  message.remove_prefix(cause == std::string_view::npos ? 0 : cause + kInvalid.size());
  return fmt::format("object at {} is invalid: {}", path, message);
}

}  // namespace simgpu::webhook
