#include "app/webhook.h"

#include <chrono>
#include <utility>
#include <vector>

#include "app/log_flags.h"
#include "app/setup.h"
#include "simgpu/base/version.h"
#include "simgpu/webhook/webhook.h"

namespace simgpu::app {
namespace {

constexpr std::int64_t kHighestPort = 65535;

/// API servers keep some dozens of connections each.
constexpr std::size_t kMaxConnections = 256;
constexpr std::size_t kMaxHeaderBytes = 32u << 10;
constexpr int kIdleSeconds = 30;

/// An API server waits at most 30 seconds for a webhook, and 10 unless it is told otherwise.
constexpr std::chrono::seconds kDrainTime{10};

/// Certificates come from elsewhere: says from where.
Status cannotServe(const Status& why) {
  if (why.code() != Code::notFound) {
    return why.with("serve the webhook");
  }
  return {why.code(), fmt::format("serve the webhook: {}; let cert-manager make the files of --tls-cert-file and "
                                  "--tls-private-key-file, or mount a Secret of the type kubernetes.io/tls there",
                                  why.message())};
}

}  // namespace

Subcommand webhookSubcommand(WebhookFlags& flags) {
  std::vector<Flag> list = {
      {"tls-cert-file", "", "File with the certificate for HTTPS, and after it those of its issuers, in PEM; required",
       "", false, setText(flags.certificateFile)},
      {"tls-private-key-file", "", "File with the private key of that certificate, in PEM; required", "", false,
       setText(flags.privateKeyFile)},
      {"port", "", "Port of the webhook; 0: any", "443", false, setInteger(flags.port, 0, kHighestPort)},
      {"driver-name", "DRIVER_NAME", "Name of the DRA driver whose parameters are judged", "<profile>.example.com",
       false, setText(flags.driverName)},
      {"device-profile", "DEVICE_PROFILE", "Built-in profile that describes the devices", "gpu", false,
       setText(flags.deviceProfile)},
      {"profile-file", "PROFILE_FILE", "YAML file that describes the devices, instead of a built-in profile", "", false,
       setText(flags.profileFile)},
  };
  addLogFlags(list, flags.log);
  return {.name = "webhook",
          .help = "Judge the parameters in new ResourceClaims and templates, for the API server",
          .flags = std::move(list)};
}

Status validate(const WebhookFlags& flags) {
  std::vector<std::string_view> missing;
  if (flags.certificateFile.empty()) {
    missing.emplace_back("tls-cert-file");
  }
  if (flags.privateKeyFile.empty()) {
    missing.emplace_back("tls-private-key-file");
  }
  if (!missing.empty()) {
    return Status::invalidArgument("Required flag{} \"{}\" not set: the API server calls webhooks over HTTPS only",
                                   missing.size() > 1 ? "s" : "", fmt::join(missing, ", "));
  }
  return checkDriverName(flags.driverName);
}

Status runWebhook(const WebhookFlags& flags) {
  base::SystemClock clock;
  base::PosixFiles files;
  auto sink = base::makeStderrSink();
  base::Logger log(*sink, clock, flags.log);

  auto profile = loadProfile(flags.deviceProfile, flags.profileFile, files);
  if (!profile) {
    return profile.error();
  }
  std::string driverName = flags.driverName.empty() ? profile->defaultDriverName() : flags.driverName;
  http::ServerOptions options{
      .address = "",
      .port = static_cast<std::uint16_t>(flags.port),
      .tls = http::TlsFiles{flags.certificateFile, flags.privateKeyFile, files, clock},
      .maxConnections = kMaxConnections,
      .maxHeaderBytes = kMaxHeaderBytes,
      .maxBodyBytes = webhook::kMaxReviewBytes,
      .idleSeconds = kIdleSeconds,
  };
  auto server = http::Server::start(std::move(options), webhook::makeHandler(*profile, driverName, log), log);
  if (!server) {
    return cannotServe(server.error());
  }
  log.info("Serving the admission webhook", {{"version", base::version()},
                                             {"commit", base::commit()},
                                             {"driver", driverName},
                                             {"profile", profile->name()},
                                             {"port", (*server)->port()}});
  int signal = waitForSignal();
  log.info("Stopping", {{"signal", signal}});
  (*server)->drain(kDrainTime);
  server->reset();
  log.info("Stopped");
  return {};
}

}  // namespace simgpu::app
