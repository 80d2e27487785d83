#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "simgpu/base/files.h"
#include "simgpu/base/result.h"

namespace simgpu::kube {

/// PEM text given inline, or a file that is read again when it changes. Both empty: not given.
struct Material {
  std::string inlineData;
  std::filesystem::path file;

  bool empty() const { return inlineData.empty() && file.empty(); }
  bool operator==(const Material&) const = default;
};

/// A client-go credential plugin (kubeconfig `users[].user.exec`).
struct ExecPlugin {
  std::string command;
  std::vector<std::string> args;
  std::vector<std::pair<std::string, std::string>> env;
  std::string apiVersion;  ///< `client.authentication.k8s.io/v1` or `…/v1beta1`.
  std::string installHint;
  bool provideClusterInfo = false;

  bool operator==(const ExecPlugin&) const = default;
};

/// Where the API server is, and who we are to it.
struct Config {
  std::string server;  ///< `https://host:port[/prefix]`, IPv6 hosts in brackets.
  std::string tlsServerName;
  bool insecureSkipTlsVerify = false;
  Material certificateAuthority;
  std::string proxyUrl;
  bool noProxy = false;  ///< Ignore the proxy variables of the environment (always so in-cluster).

  Material clientCertificate;
  Material clientKey;
  std::string token;
  std::filesystem::path tokenFile;  ///< Wins over `token`; read again at least every 60 s.
  std::string username;
  std::string password;
  std::optional<ExecPlugin> exec;

  std::string origin;  ///< For messages: the kubeconfig's path, or `in-cluster`.
};

/// The service account of this pod. `environment` holds KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT; without
/// them the message is client-go's: `unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and
/// KUBERNETES_SERVICE_PORT must be defined`.
Result<Config> inClusterConfig(
    base::Files& files, const std::map<std::string, std::string>& environment,
    const std::filesystem::path& directory = "/var/run/secrets/kubernetes.io/serviceaccount");

/// The current context of a kubeconfig file. Relative paths in it are relative to its directory. Errors name the file
/// and the field (`kubeconfig /x: contexts: no context "y", which current-context names`).
Result<Config> kubeconfig(base::Files& files, const std::filesystem::path& file);

}  // namespace simgpu::kube
