#pragma once

#include <expected>

#include "simgpu/base/status.h"

namespace simgpu {

/// A value, or the `Status` that says why there is none. The error is never an ok status.
///
/// Fail with `return unexpected(Status::notFound("..."))`; pass a failure on with
/// `return unexpected(result.error().with("..."))`.
template <typename T>
using Result = std::expected<T, Status>;

using std::unexpected;

}  // namespace simgpu
