#include "kube/target.h"

#include <fmt/format.h>

namespace simgpu::kube {
namespace {

bool unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

}  // namespace

std::string escaped(std::string_view text) {
  // A segment of only dots would be taken for a relative path by whatever normalises it.
  bool dots = text == "." || text == "..";
  std::string result;
  for (char c : text) {
    if (unreserved(c) && !dots) {
      result += c;
    } else {
      result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return result;
}

std::string slicesPath(std::string_view name) {
  std::string path = "/apis/resource.k8s.io/v1/resourceslices";
  return name.empty() ? path : path + "/" + escaped(name);
}

std::string claimsPath() {
  return "/apis/resource.k8s.io/v1/resourceclaims";
}

std::string claimPath(std::string_view space, std::string_view name) {
  return fmt::format("/apis/resource.k8s.io/v1/namespaces/{}/resourceclaims/{}", escaped(space), escaped(name));
}

std::string allClaimsPath() {
  return "/apis/resource.k8s.io/v1/resourceclaims";
}

std::string nodePath(std::string_view name) {
  return "/api/v1/nodes/" + escaped(name);
}

std::string eventsPath(std::string_view space) {
  return fmt::format("/api/v1/namespaces/{}/events", space.empty() ? "default" : escaped(space));
}

std::string sliceSelector(std::string_view driver, std::string_view nodeName) {
  return "fieldSelector=" + escaped(fmt::format("spec.driver={},spec.nodeName={}", driver, nodeName));
}

}  // namespace simgpu::kube
