#pragma once

#include <stop_token>
#include <string>
#include <string_view>

#include "simgpu/base/clock.h"
#include "simgpu/base/log.h"
#include "simgpu/claim/types.h"
#include "simgpu/kube/client.h"

namespace simgpu::claim {

/// Who reports what this driver does to claims on its own.
struct Reporter {
  std::string component;  ///< For example the driver name.
  std::string node;
};

/// Tells the users of a claim in an Event of the type Warning. Best effort: the right to create Events is optional.
void reportOnClaim(kube::Client& api, base::Clock& clock, const Reporter& reporter, const ClaimRef& claim,
                   std::string_view reason, std::string message, const base::Logger& log, const std::stop_token& stop);

}  // namespace simgpu::claim
