#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace simgpu::claim {

/// What the lock file of a store holds: `<changes> <claims> <boot ID>`. Earlier releases write the first word alone,
/// and read no more than that.
struct ChangeCount {
  std::uint64_t changes = 0;
  std::uint64_t claims = 0;  ///< That should have a spec after the last change.
  std::string bootId;        ///< In which that was.

  /// Never fails: what cannot be understood is zero.
  static ChangeCount parse(std::string_view text);
  std::string text() const;
};

}  // namespace simgpu::claim
