#pragma once

#include <string_view>

#include "simgpu/claim/store.h"
#include "simgpu/claim/types.h"
#include "simgpu/kube/event_sink.h"

/// What the users of a claim are told, as Events on the claim. docs/operations.md lists the reasons.
namespace simgpu::claim {

/// A Prepare was refused, after waiting, because of another claim.
kube::Occurrence deviceInUse(const ClaimRef& waiting, const Store::Holder& holder, std::string_view node);

/// The claim was gone, and what was prepared for it has been released.
kube::Occurrence releasedAbandoned(const ClaimRef& claim, std::string_view node);

/// Somebody deleted what was prepared, and it has been prepared again.
kube::Occurrence restoredSpec(const ClaimRef& claim, std::string_view node);

/// What was prepared could not be understood any more, and has been prepared anew.
kube::Occurrence restoredDamagedSpec(const ClaimRef& claim, std::string_view node);

}  // namespace simgpu::claim
