#include "kube/exec_credential.h"

#include "kube/base64.h"
#include "kube/json_node.h"
#include "kube/rfc3339.h"
#include "simgpu/kube/json.h"

namespace simgpu::kube {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kPluginTimeout{60};
constexpr std::chrono::seconds kFailurePause{5};

}  // namespace

std::string execInfo(const Config& config, const std::string& authority) {
  json info = json::object();
  info["apiVersion"] = config.exec->apiVersion;
  info["kind"] = "ExecCredential";
  info["spec"]["interactive"] = false;
  if (config.exec->provideClusterInfo) {
    auto& cluster = info["spec"]["cluster"];
    cluster["server"] = config.server;
    if (!config.tlsServerName.empty()) {
      cluster["tls-server-name"] = config.tlsServerName;
    }
    if (config.insecureSkipTlsVerify) {
      cluster["insecure-skip-tls-verify"] = true;
    }
    if (!authority.empty()) {
      cluster["certificate-authority-data"] = base64Encode(authority);
    }
    if (!config.proxyUrl.empty()) {
      cluster["proxy-url"] = config.proxyUrl;
    }
  }
  return dumpJson(info);
}

Result<PluginAnswer> pluginAnswerFrom(const std::string& output, const std::string& apiVersion) {
  auto document = parseJson(output);
  if (!document) {
    return unexpected(Status::unavailable("its output is not valid JSON"));
  }
  Status failure;
  const JsonNode root(*document, failure);
  std::string kind;
  std::string version;
  std::string expiry;
  PluginAnswer answer;
  root["kind"].to(kind);
  root["apiVersion"].to(version);
  const auto status = root["status"];
  status["token"].to(answer.token);
  status["clientCertificateData"].to(answer.certificate);
  status["clientKeyData"].to(answer.key);
  status["expirationTimestamp"].to(expiry);
  if (!failure.ok()) {
    return unexpected(Status::unavailable("its output is wrong: {}", failure.message()));
  }
  if (kind != "ExecCredential" || version != apiVersion) {
    return unexpected(Status::unavailable("its output is not an ExecCredential of {}", apiVersion));
  }
  if (answer.certificate.empty() != answer.key.empty()) {
    return unexpected(Status::unavailable("its output has only one of clientCertificateData and clientKeyData"));
  }
  if (answer.token.empty() && answer.certificate.empty()) {
    return unexpected(Status::unavailable("its output has neither a token nor a client certificate"));
  }
  if (!expiry.empty()) {
    answer.expiry = parseRfc3339(expiry);
    if (!answer.expiry) {
      return unexpected(Status::unavailable("its output is wrong: status.expirationTimestamp is not a time"));
    }
  }
  return answer;
}

ExecCredential::ExecCredential(ExecPlugin plugin, std::string info, ProcessRunner& runner, base::Clock& clock,
                               std::function<void()> ready)
    : plugin_(std::move(plugin)), info_(std::move(info)), runner_(runner), clock_(clock), ready_(std::move(ready)) {}

std::optional<Result<PluginAnswer>> ExecCredential::current() {
  std::lock_guard lock(mutex_);
  if (running_) {
    return std::nullopt;
  }
  if (usable()) {
    return answer_;
  }
  running_ = true;
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  return std::nullopt;
}

void ExecCredential::refuse() {
  std::lock_guard lock(mutex_);
  if (answer_ && answer_->has_value()) {
    answer_.reset();
  }
}

bool ExecCredential::usable() const {
  if (!answer_) {
    return false;
  }
  if (!answer_->has_value()) {
    return clock_.now() < failedAt_ + kFailurePause;
  }
  const auto& expiry = (*answer_)->expiry;
  return !expiry || clock_.wallTime() < *expiry;
}

void ExecCredential::run(const std::stop_token& stop) {
  Command command{.program = plugin_.command, .args = plugin_.args, .env = plugin_.env};
  command.env.emplace_back("KUBERNETES_EXEC_INFO", info_);
  auto output = runner_.run(command, kPluginTimeout, stop);
  auto answer =
      output ? pluginAnswerFrom(*output, plugin_.apiVersion) : Result<PluginAnswer>(unexpected(output.error()));
  if (!answer) {
    auto status = answer.error().with("credential plugin {}", plugin_.command);
    if (status.code() == Code::notFound && !plugin_.installHint.empty()) {
      status = Status::notFound("{} ({})", status.message(), plugin_.installHint);
    }
    answer = unexpected(std::move(status));
  }
  {
    std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
    failedAt_ = clock_.now();
    running_ = false;
  }
  ready_();
}

}  // namespace simgpu::kube
