#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "simgpu/base/quantity.h"
#include "simgpu/base/result.h"
#include "simgpu/cdi/spec.h"
#include "simgpu/claim/types.h"

namespace simgpu::claim {

/// The names under which the specs of one driver go, the same as the reference driver's, so that a node can change
/// between the two with claims in use.
struct SpecNaming {
  std::string driverName;  ///< `gpu.example.com`
  std::string cdiClass;    ///< `gpu`

  /// `k8s.<driver>/<class>`
  std::string kind() const;
  /// What every file name of this driver starts with: `k8s.<driver>-<class>_`
  std::string filePrefix() const;
  /// `k8s.<driver>-<class>_<claimUID>.yaml`
  std::string fileName(std::string_view claimUid) const;
  /// `<claimUID>-<device>[-<shareID>]`
  std::string deviceName(std::string_view claimUid, std::string_view device, std::string_view shareId) const;
  /// The claim UID in a file name of this driver; empty if it is none.
  std::string claimUidOf(std::string_view fileName) const;
};

/// A device that a claim keeps others from using.
struct HeldDevice {
  std::string pool;  ///< Empty in records of the reference driver, whose specs do not tell.
  std::string device;
  std::string shareId;

  /// The hardware that the device is a part of. Empty if it is undivided, and in records that do not tell.
  std::string parent = {};
  std::map<std::string, base::Quantity> counters = {};  ///< What the device draws from it; empty: all of it.
  std::map<std::string, base::Quantity> consumed = {};  ///< What the share takes of the device.

  /// Whether both are of one piece of hardware.
  bool samePart(const HeldDevice& other) const;

  /// Whether both can be prepared at once, as long as there is enough of everything: different hardware, different
  /// parts of it, or shares of one device.
  bool compatibleWith(const HeldDevice& other) const;
  bool operator==(const HeldDevice&) const = default;
};

/// What containers can read about the devices of one request of a claim (metadata.h).
struct MetadataFile {
  std::string name;  ///< In the directory of all of them.
  std::string content;

  bool operator==(const MetadataFile&) const = default;
};

/// What the CDI spec of a claim says: the claim's checkpoint.
struct Record {
  enum class Origin {
    ours,        ///< Written by this driver, in a format that it knows.
    newer,       ///< Written by a later release: held, never rewritten.
    foreign,     ///< Written by the reference driver: no annotations, so only the device names are known.
    unreadable,  ///< Nobody can tell what it holds; it affects its claim only.
  };

  Origin origin = Origin::ours;
  PreparedClaim prepared;        ///< Only the UID is certain unless `ours`.
  std::vector<HeldDevice> held;  ///< Without devices that were allocated for admin access.
  std::string bootId;            ///< Empty unless `ours` or `newer`.
  cdi::Spec spec;                ///< What is in the file; empty if unreadable.
  /// What the spec mounts; not in the file, so only of a record that was just resolved.
  std::vector<MetadataFile> metadata = {};
};

/// The record of a freshly prepared claim: `devices` become one spec with annotations from which `readRecord` restores
/// everything. `devices[i]` of the spec need not correspond to the prepared devices: two requests may have one device.
Record makeRecord(const SpecNaming& naming, PreparedClaim prepared, std::vector<HeldDevice> held, std::string bootId,
                  std::vector<cdi::Device> devices, cdi::ContainerEdits nodeEdits);

/// The record in a file of the directory. Never fails: what cannot be understood is `unreadable`.
Record readRecord(const SpecNaming& naming, std::string_view claimUid, const Result<cdi::Spec>& spec);

/// Whether a UID of the kubelet may become part of a file name: 1 to 63 letters, digits, `-` and `.`, not starting with
/// a dot. API servers only make UUIDs.
bool isUsableUid(std::string_view uid);

}  // namespace simgpu::claim
