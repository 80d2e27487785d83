#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "simgpu/base/result.h"

namespace simgpu::kubelet {

/// Linux takes 108 bytes for the path of a unix socket, the terminating NUL among them.
inline constexpr std::size_t kMaxSocketPath = 107;

/// Where the two sockets of a driver are.
struct SocketPaths {
  std::filesystem::path registration;
  std::filesystem::path dra;

  bool operator==(const SocketPaths&) const = default;
};

/// `<driver>-reg.sock`, or `<driver>-<podUid>-reg.sock`.
std::string registrationSocketName(std::string_view driver, std::string_view podUid);

/// All names that the registration socket may have: `registrationSocketName`, and if there is a pod UID the shorter
/// ones of the Go helper `kubeletplugin` of 0.37, for paths that would become too long: `<driver>-<11
/// characters>-reg.sock`, `dra-<22 characters>-reg.sock`. These take a SHA-256, and the first use of OpenSSL takes a
/// start two milliseconds.
std::vector<std::string> registrationSocketNames(std::string_view driver, std::string_view podUid);

/// `dra.sock`, or `dra-<podUid>.sock`.
std::string draSocketName(std::string_view podUid);

/// The pod UID in `dra-<podUid>.sock` or in the name of its lock; empty for any other name.
std::string_view podUidOfDraSocket(std::string_view name);

/// The pod UID in `<driver>-<podUid>-reg.sock`, if it has the form of a UUID; empty for any other name, so that a
/// driver whose name starts with `driver` and a dash is never taken for this one.
std::string_view podUidOfRegistrationSocket(std::string_view name, std::string_view driver);

/// The name under which a socket is bound before it is shown as `name`, and never longer than that. It starts with a
/// dot, so the kubelet does not look at it.
std::string hiddenSocketName(std::string_view name);

/// The file that is locked by the process that serves `draSocket`.
std::filesystem::path lockOfSocket(const std::filesystem::path& draSocket);

/// The paths of both sockets. invalidArgument, with the flag to change, if one does not fit into `kMaxSocketPath`
/// bytes, or if a name would leave its directory.
Result<SocketPaths> socketPaths(const std::filesystem::path& registryDirectory,
                                const std::filesystem::path& pluginsDirectory, std::string_view driver,
                                std::string_view podUid);

}  // namespace simgpu::kubelet
