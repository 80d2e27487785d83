// dra-sim-gpu-standin: the stand-ins as a program, for demos from a shell.

#include <cstdlib>
#include <iostream>
#include <optional>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "simgpu/base/version.h"
#include "simgpu/kube/config.h"
#include "simgpu/kube/curl_transport.h"
#include "simgpu/standin/api_server.h"
#include "simgpu/standin/kubelet.h"
#include "simgpu/standin/scheduler.h"

namespace simgpu::standin {
namespace {

struct ApiServerFlags {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;
  std::string portFile;
  std::string kubeconfig;
  std::string certificate;
  std::string key;
  bool scheduler = false;
  std::vector<std::string> nodes;
};

struct KubeletFlags {
  KubeletOptions options;
  std::string kubeconfig;
  std::vector<std::string> cdiRoots;
  double prepareRetry = 60;
};

/// What both subcommands stand on.
struct Machine {
  base::SystemClock clock;
  base::PosixFiles files;
  std::unique_ptr<base::LogSink> sink = base::makeStderrSink();
  base::Logger log{*sink, clock, {}};
};

/// SIGTERM and SIGINT, which every thread must block before it starts others.
sigset_t blockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

void awaitSignal(const sigset_t& signals) {
  int number = 0;
  sigwait(&signals, &number);
}

std::string kubeconfigFor(const std::string& server, const std::string& certificate) {
  std::string authority =
      certificate.empty() ? "" : "    certificate-authority: " + std::filesystem::absolute(certificate).string() + "\n";
  return "apiVersion: v1\nkind: Config\nclusters:\n- name: standin\n  cluster:\n    server: " + server + "\n" +
         authority +
         "users:\n- name: standin\n  user: {}\ncontexts:\n- name: standin\n  context:\n    cluster: standin\n    user: "
         "standin\ncurrent-context: standin\n";
}

/// Whoever waits for the file never sees a part of it.
Status publish(base::Files& files, const std::string& file, const std::string& content) {
  if (file.empty()) {
    return {};
  }
  Status status = files.write(file + ".tmp", content, 0644);
  return status ? files.rename(file + ".tmp", file) : status;
}

Status serveApi(const ApiServerFlags& flags) {
  sigset_t signals = blockSignals();
  Machine machine;
  ApiServer api(machine.clock);
  for (const std::string& node : flags.nodes) {
    if (auto created = api.create("/api/v1/nodes", {{"metadata", {{"name", node}}}}); !created) {
      return created.error();
    }
  }
  http::ServerOptions options;
  options.address = flags.address;
  options.port = flags.port;
  options.maxConnections = 512;
  if (!flags.certificate.empty()) {
    options.tls.emplace(flags.certificate, flags.key, machine.files, machine.clock);
  }
  auto server = api.serve(options, machine.log);
  if (!server) {
    return server.error();
  }
  std::unique_ptr<kube::Transport> transport = api.transport();
  std::optional<Scheduler> scheduler;
  if (flags.scheduler) {
    scheduler.emplace(*transport, machine.clock, machine.log);
  }
  std::string host = flags.address.find(':') == std::string::npos ? flags.address : "[" + flags.address + "]";
  std::string url = fmt::format("{}://{}:{}", options.tls ? "https" : "http", host, (*server)->port());
  if (Status status = publish(machine.files, flags.kubeconfig, kubeconfigFor(url, flags.certificate)); !status) {
    return status;
  }
  if (Status status = publish(machine.files, flags.portFile, std::to_string((*server)->port()) + "\n"); !status) {
    return status;
  }
  machine.log.info("Serving the API", {{"url", url}});
  awaitSignal(signals);
  return {};
}

Status runKubelet(KubeletFlags flags) {
  sigset_t signals = blockSignals();
  Machine machine;
  auto config = kube::kubeconfig(machine.files, flags.kubeconfig);
  if (!config) {
    return config.error();
  }
  auto transport = kube::makeCurlTransport(std::move(*config), {.userAgent = "dra-sim-gpu-standin-kubelet"},
                                           machine.clock, machine.files, machine.log);
  if (!transport) {
    return transport.error();
  }
  flags.options.cdiRoots.assign(flags.cdiRoots.begin(), flags.cdiRoots.end());
  flags.options.prepareRetry =
      std::chrono::duration_cast<base::Clock::Duration>(std::chrono::duration<double>(flags.prepareRetry));
  auto kubelet = Kubelet::start(flags.options, **transport, machine.clock, machine.files, machine.log);
  if (!kubelet) {
    return kubelet.error();
  }
  machine.log.info("The kubelet runs", {{"node", flags.options.nodeName}});
  awaitSignal(signals);
  return {};
}

int run(int argc, char** argv) {
  CLI::App app("Stand-ins for a kube-apiserver, a kube-scheduler and a kubelet, for demos and tests");
  app.set_version_flag("--version", std::string(base::version()));
  app.require_subcommand(1);

  ApiServerFlags api;
  CLI::App* apiCommand = app.add_subcommand("apiserver", "Serve the API from memory");
  apiCommand->add_option("--address", api.address, "IP address to listen on");
  apiCommand->add_option("--port", api.port, "Port to listen on; 0 means any free one");
  apiCommand->add_option("--port-file", api.portFile, "File to write the port to, once it is served");
  apiCommand->add_option("--kubeconfig-out", api.kubeconfig, "File to write a kubeconfig for this server to");
  apiCommand->add_option("--tls-cert-file", api.certificate, "Serve HTTPS with this certificate (PEM)");
  apiCommand->add_option("--tls-private-key-file", api.key, "Key of the certificate (PEM)");
  apiCommand->add_flag("--scheduler", api.scheduler, "Allocate claims and bind pods, too");
  apiCommand->add_option("--node", api.nodes, "Names of the nodes to create");

  KubeletFlags kubelet;
  kubelet.cdiRoots = {"/etc/cdi", "/var/run/cdi"};
  CLI::App* kubeletCommand = app.add_subcommand("kubelet", "Run the pods of a node as local processes");
  kubeletCommand->add_option("--node-name", kubelet.options.nodeName, "Name of the node")->required();
  kubeletCommand->add_option("--kubeconfig", kubelet.kubeconfig, "How to reach the API server")->required();
  kubeletCommand->add_option("--kubelet-root", kubelet.options.root, "Directory that holds plugins_registry");
  kubeletCommand->add_option("--cdi-root", kubelet.cdiRoots, "Directories of CDI specs; a later one wins");
  kubeletCommand->add_option("--log-dir", kubelet.options.logDirectory,
                             "Directory for the output of containers: NAMESPACE_POD_CONTAINER.log");
  kubeletCommand->add_option("--prepare-retry-seconds", kubelet.prepareRetry, "Pause between attempts to start a pod");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  Status status = apiCommand->parsed() ? serveApi(api) : runKubelet(std::move(kubelet));
  if (!status) {
    std::cerr << "dra-sim-gpu-standin: " << status.message() << "\n";
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace simgpu::standin

int main(int argc, char** argv) {
  return simgpu::standin::run(argc, argv);
}
