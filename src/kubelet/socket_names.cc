#include "kubelet/socket_names.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <span>

#include <fmt/format.h>
#include <openssl/sha.h>

#include "simgpu/base/uuid.h"

namespace simgpu::kubelet {
namespace {

constexpr std::string_view kDraPrefix = "dra-";
constexpr std::string_view kDraSuffix = ".sock";
constexpr std::string_view kLockSuffix = ".lock";
constexpr std::string_view kRegistrationSuffix = "-reg.sock";

/// In the URL alphabet of base64, without padding.
std::string urlBase64(std::span<const unsigned char> bytes) {
  static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  unsigned pending = 0;
  unsigned bits = 0;
  for (unsigned char byte : bytes) {
    pending = (pending << 8 | byte) & 0xffffU;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      out += kAlphabet[pending >> bits & 0x3fU];
    }
  }
  if (bits > 0) {
    out += kAlphabet[pending << (6 - bits) & 0x3fU];
  }
  return out;
}

/// The first `bytes` of the SHA-256 of `text`.
std::string shortHash(std::string_view text, std::size_t bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return urlBase64(std::span(digest).first(bytes));
}

/// The 64 bits of FNV-1a: the same for the same text, in every process.
std::string quickHash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (unsigned char byte : text) {
    hash = (hash ^ byte) * 0x100000001b3;
  }
  return urlBase64(std::bit_cast<std::array<unsigned char, sizeof(hash)>>(hash));
}

Status checkName(std::string_view what, std::string_view name) {
  if (name.find('/') != std::string_view::npos || name.find('\0') != std::string_view::npos || name == "." ||
      name == "..") {
    return Status::invalidArgument("the {} '{}' cannot be part of a file name", what, name);
  }
  return {};
}

bool fits(const std::filesystem::path& path) {
  return path.native().size() <= kMaxSocketPath;
}

Status tooLong(const std::filesystem::path& path, std::string_view flag) {
  return Status::invalidArgument("the socket path {} has {} bytes, but a unix socket path has at most {}: shorten {}",
                                 path.native(), path.native().size(), kMaxSocketPath, flag);
}

/// What takes the place of `registrationSocketName` where that would make a path too long; nothing without a pod UID.
std::vector<std::string> shortRegistrationSocketNames(std::string_view driver, std::string_view podUid) {
  if (podUid.empty()) {
    return {};
  }
  std::string both(driver);
  both += '\0';
  both += podUid;
  return {fmt::format("{}-{}{}", driver, shortHash(podUid, 8), kRegistrationSuffix),
          fmt::format("{}{}{}", kDraPrefix, shortHash(both, 16), kRegistrationSuffix)};
}

}  // namespace

std::string registrationSocketName(std::string_view driver, std::string_view podUid) {
  return podUid.empty() ? fmt::format("{}{}", driver, kRegistrationSuffix)
                        : fmt::format("{}-{}{}", driver, podUid, kRegistrationSuffix);
}

std::vector<std::string> registrationSocketNames(std::string_view driver, std::string_view podUid) {
  std::vector<std::string> names = shortRegistrationSocketNames(driver, podUid);
  names.insert(names.begin(), registrationSocketName(driver, podUid));
  return names;
}

std::string draSocketName(std::string_view podUid) {
  return podUid.empty() ? "dra.sock" : fmt::format("{}{}{}", kDraPrefix, podUid, kDraSuffix);
}

std::string_view podUidOfDraSocket(std::string_view name) {
  if (name.ends_with(kLockSuffix)) {
    name.remove_suffix(kLockSuffix.size());
  }
  if (!name.starts_with(kDraPrefix) || !name.ends_with(kDraSuffix) ||
      name.size() <= kDraPrefix.size() + kDraSuffix.size()) {
    return {};
  }
  return name.substr(kDraPrefix.size(), name.size() - kDraPrefix.size() - kDraSuffix.size());
}

std::string_view podUidOfRegistrationSocket(std::string_view name, std::string_view driver) {
  if (name.size() <= driver.size() + 1 + kRegistrationSuffix.size() || !name.starts_with(driver) ||
      name[driver.size()] != '-' || !name.ends_with(kRegistrationSuffix)) {
    return {};
  }
  name.remove_prefix(driver.size() + 1);
  name.remove_suffix(kRegistrationSuffix.size());
  return base::isUuid(name) ? name : std::string_view();
}

std::string hiddenSocketName(std::string_view name) {
  return "." + quickHash(name).substr(0, name.size() - 1);
}

std::filesystem::path lockOfSocket(const std::filesystem::path& draSocket) {
  return draSocket.native() + std::string(kLockSuffix);
}

Result<SocketPaths> socketPaths(const std::filesystem::path& registryDirectory,
                                const std::filesystem::path& pluginsDirectory, std::string_view driver,
                                std::string_view podUid) {
  if (driver.empty()) {
    return unexpected(Status::invalidArgument("the driver name is empty"));
  }
  if (Status status = checkName("driver name", driver); !status) {
    return unexpected(status);
  }
  if (Status status = checkName("pod UID", podUid); !status) {
    return unexpected(status);
  }
  SocketPaths paths;
  paths.dra = pluginsDirectory / driver / draSocketName(podUid);
  if (!fits(paths.dra)) {
    return unexpected(tooLong(paths.dra, "--kubelet-plugins-directory-path"));
  }
  paths.registration = registryDirectory / registrationSocketName(driver, podUid);
  if (fits(paths.registration)) {
    return paths;
  }
  for (const std::string& name : shortRegistrationSocketNames(driver, podUid)) {
    paths.registration = registryDirectory / name;
    if (fits(paths.registration)) {
      return paths;
    }
  }
  return unexpected(tooLong(paths.registration, "--kubelet-registrar-directory-path"));
}

}  // namespace simgpu::kubelet
