#include "simgpu/kubelet/plugin.h"

#include <algorithm>
#include <chrono>
#include <unistd.h>
#include <utility>

#include <grpc/grpc.h>

#include "kubelet/claim_calls.h"
#include "kubelet/dra_service.h"
#include "kubelet/grpc_server.h"
#include "kubelet/health_feed.h"
#include "kubelet/health_stream.h"
#include "kubelet/probe.h"
#include "kubelet/registration_service.h"
#include "kubelet/rpc_meter.h"
#include "kubelet/socket_guard.h"
#include "kubelet/socket_names.h"
#include "kubelet/unix_socket.h"

namespace simgpu::kubelet {
namespace {

constexpr mode_t kDirectoryMode = 0750;

/// How long running calls may go on when the plugin stops, and how long they then have to say that they gave up.
constexpr std::chrono::milliseconds kGrace{500};
constexpr std::chrono::milliseconds kLastWords{500};

constexpr GrpcServer::Limits kRegistrationLimits{.concurrentStreams = 64};
constexpr GrpcServer::Limits kDraLimits{.concurrentStreams = 1024, .fewestPollers = 2, .mostPollers = 8};

/// Anybody in the pod network can reach the probe, which asks for less than a line.
constexpr GrpcServer::Limits kProbeLimits{.concurrentStreams = 16,
                                          .threads = 32,
                                          .requestBytes = 4 << 10,
                                          .connections = 64,
                                          .idleConnection = std::chrono::minutes(1),
                                          .pingsAtWill = false};

/// What is open and locked before anything is served.
struct Sockets {
  SocketLock lock;
  UnixListener dra;
  SocketPaths paths;
  FileDescriptor probe;
  std::uint16_t probePort = 0;
};

std::filesystem::path absoluteDirectory(const std::filesystem::path& directory) {
  std::error_code error;
  auto absolute = std::filesystem::absolute(directory, error);
  return (error ? directory : absolute).lexically_normal();
}

Result<SocketPaths> prepareDirectories(const PluginOptions& options, base::Files& files) {
  auto paths = socketPaths(absoluteDirectory(options.registryDirectory), absoluteDirectory(options.pluginsDirectory),
                           options.driverName, options.podUid);
  if (!paths) {
    return unexpected(paths.error());
  }
  for (const auto& socket : {paths->dra, paths->registration}) {
    if (Status status = files.createDirectories(socket.parent_path(), kDirectoryMode); !status) {
      return unexpected(status.with("create the directory {}", socket.parent_path().native()));
    }
  }
  return paths;
}

Result<Sockets> openSockets(const PluginOptions& options, base::Clock& clock, base::Files& files,
                            const base::Logger& log) {
  auto paths = prepareDirectories(options, files);
  if (!paths) {
    return unexpected(paths.error());
  }
  if (paths->dra.native().find_first_of("%?#") != std::string::npos) {
    log.warning("The kubelet may fail to dial a path with %, ? or # in it", {{"path", paths->dra.native()}});
  }
  auto lock = SocketLock::take(files, clock, paths->dra);
  if (!lock) {
    return unexpected(lock.error());
  }
  // The registration socket first: without it the kubelet does not look for the other.
  for (const auto& socket : {paths->registration, paths->dra}) {
    if (Status status = clearSocket(files, socket); !status) {
      return unexpected(status);
    }
  }
  removeDeadSockets(files, clock, *paths, options.driverName, log);

  FileDescriptor probe;
  std::uint16_t probePort = 0;
  if (options.healthPort) {
    auto listening = listenTcp(*options.healthPort);
    auto port = listening ? portOf(*listening) : Result<std::uint16_t>(unexpected(listening.error()));
    if (!port) {
      return unexpected(port.error().with("serve gRPC health (--healthcheck-port)"));
    }
    probe = std::move(*listening);
    probePort = *port;
  }
  auto dra = UnixListener::listen(files, paths->dra);
  if (!dra) {
    return unexpected(dra.error());
  }
  return Sockets{.lock = std::move(*lock),
                 .dra = std::move(*dra),
                 .paths = std::move(*paths),
                 .probe = std::move(probe),
                 .probePort = probePort};
}

/// Members are in the order of their use: each uses those above it.
class ServingPlugin final : public Plugin {
 public:
  ServingPlugin(PluginOptions options, Sockets sockets, claim::Service& claims, PluginCallbacks callbacks,
                base::Clock& clock, base::Files& files, metrics::Registry& metrics, base::Logger log)
      : files_(files),
        log_(std::move(log)),
        sockets_(std::move(sockets)),
        calls_(claims, clock, log_),
        feed_(std::move(callbacks.devices), clock, log_),
        meter_(metrics, clock),
        draV1_(calls_, meter_, clock),
        draV1Beta1_(calls_, meter_, clock),
        healthV1_(feed_),
        healthV1Alpha1_(feed_),
        registrationService_(std::move(options.driverName), sockets_.paths.dra.native(),
                             std::move(callbacks.registered), log_) {}

  ~ServingPlugin() override { stop(); }

  /// The registration socket appears only when the DRA socket is served: the kubelet dials that at once.
  Status serve() {
    auto dra =
        GrpcServer::start(sockets_.dra.descriptor(), {&draV1_, &draV1Beta1_, &healthV1_, &healthV1Alpha1_}, kDraLimits);
    if (!dra) {
      return dra.error();
    }
    draServer_ = std::move(*dra);
    auto listener = UnixListener::listen(files_, sockets_.paths.registration);
    if (!listener) {
      return listener.error();
    }
    registration_.emplace(std::move(*listener));
    auto registration = GrpcServer::start(registration_->descriptor(), {&registrationService_}, kRegistrationLimits);
    if (!registration) {
      return registration.error();
    }
    registrationServer_ = std::move(*registration);
    log_.info("Serving the kubelet", {{"registration", registrationSocket().native()}, {"dra", draSocket().native()}});
    return sockets_.probe.valid() ? serveProbe() : Status();
  }

  const std::filesystem::path& registrationSocket() const override { return sockets_.paths.registration; }
  const std::filesystem::path& draSocket() const override { return sockets_.paths.dra; }
  std::uint16_t healthPort() const override { return sockets_.probePort; }

 private:
  Status serveProbe() {
    probeService_.emplace(*registration_, sockets_.dra, log_);
    auto server = GrpcServer::start(sockets_.probe.get(), {&*probeService_}, kProbeLimits);
    if (!server) {
      return server.error();
    }
    probeServer_ = std::move(*server);
    log_.info("Serving gRPC health", {{"port", healthPort()}});
    return {};
  }

  void stop() {
    auto deadline = std::chrono::system_clock::now() + kGrace + kLastWords;
    // First the probe: it asks the others.
    if (probeServer_) {
      probeServer_->stop(deadline);
    }
    if (registration_) {
      registration_->hide();
    }
    if (registrationServer_) {
      registrationServer_->stop(deadline);
    }
    sockets_.dra.hide();
    calls_.close(kGrace);
    feed_.close();
    if (draServer_) {
      draServer_->stop(deadline);
    }
  }

  base::Files& files_;
  base::Logger log_;
  Sockets sockets_;
  ClaimCalls calls_;
  HealthFeed feed_;
  RpcMeter meter_;
  DraService<DraV1> draV1_;
  DraService<DraV1Beta1> draV1Beta1_;
  HealthStreamService<HealthV1> healthV1_;
  HealthStreamService<HealthV1Alpha1> healthV1Alpha1_;
  RegistrationService registrationService_;
  std::unique_ptr<GrpcServer> draServer_;
  std::optional<UnixListener> registration_;
  std::unique_ptr<GrpcServer> registrationServer_;
  std::optional<ProbeService> probeService_;
  std::unique_ptr<GrpcServer> probeServer_;
};

}  // namespace

Result<std::unique_ptr<Plugin>> Plugin::start(PluginOptions options, claim::Service& claims, PluginCallbacks callbacks,
                                              base::Clock& clock, base::Files& files, metrics::Registry& metrics,
                                              base::Logger log) {
  // Never undone: when its last object goes, gRPC waits up to ten seconds for its own poller threads.
  grpc_init();
  auto sockets = openSockets(options, clock, files, log);
  if (!sockets) {
    return unexpected(sockets.error().with("serve the kubelet"));
  }
  auto plugin = std::make_unique<ServingPlugin>(std::move(options), std::move(*sockets), claims, std::move(callbacks),
                                                clock, files, metrics, std::move(log));
  if (Status status = plugin->serve(); !status) {
    return unexpected(status.with("serve the kubelet"));
  }
  return plugin;
}

}  // namespace simgpu::kubelet
