#pragma once

#include <cstdint>
#include <string>

#include "app/flags.h"
#include "simgpu/base/log.h"

namespace simgpu::app {

/// What the flags of `webhook` say. Names, environment variables and defaults are those of the reference driver's
/// `dra-example-webhook`; `profileFile` is ours.
struct WebhookFlags {
  std::string certificateFile;
  std::string privateKeyFile;
  std::int64_t port = 443;
  std::string driverName;  ///< Empty: the profile's.
  std::string deviceProfile = "gpu";
  std::string profileFile;
  base::LogOptions log;
};

/// The subcommand; `flags` must outlive what it returns.
Subcommand webhookSubcommand(WebhookFlags& flags);

/// What is wrong with the flags as a whole.
Status validate(const WebhookFlags& flags);

/// Serves until a signal arrives; the caller has blocked SIGHUP, SIGINT, SIGTERM and SIGQUIT in every thread. Requests
/// that have begun are answered before it ends.
Status runWebhook(const WebhookFlags& flags);

}  // namespace simgpu::app
