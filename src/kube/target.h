#pragma once

#include <string>
#include <string_view>

namespace simgpu::kube {

/// Percent-encodes all but RFC 3986's unreserved characters: for one segment of a path, or a value of a query.
std::string escaped(std::string_view text);

/// `/apis/resource.k8s.io/v1/resourceslices[/NAME]`
std::string slicesPath(std::string_view name = {});

/// `/apis/resource.k8s.io/v1/resourceclaims`, of all namespaces
std::string claimsPath();

/// `/apis/resource.k8s.io/v1/namespaces/NS/resourceclaims/NAME`
std::string claimPath(std::string_view space, std::string_view name);

/// `/apis/resource.k8s.io/v1/resourceclaims`, of all namespaces.
std::string allClaimsPath();

/// `/api/v1/nodes/NAME`
std::string nodePath(std::string_view name);

/// `/api/v1/namespaces/NS/events`, of cluster-scoped objects in `default`.
std::string eventsPath(std::string_view space);

/// `fieldSelector=spec.driver=D,spec.nodeName=N`, escaped.
std::string sliceSelector(std::string_view driver, std::string_view nodeName);

}  // namespace simgpu::kube
