#pragma once

#include <vector>

#include "simgpu/base/log.h"
#include "simgpu/kube/client.h"
#include "simgpu/slice/plan.h"

namespace simgpu::slice {

/// The plan for the API server as it is: follows its version, and what it refuses. Says in the log what is left out.
class Adaptation {
 public:
  /// `inventory` must outlive this object. Until more is known, the server is taken for a current one.
  Adaptation(const device::Inventory& inventory, base::Logger log);

  /// Whether anything that is published depends on the server.
  bool matters() const { return matters_; }

  /// Without owner.
  std::vector<kube::ResourceSlice> slices() const { return plan(inventory_, server_).slices; }

  /// Reads the version of the server, if it matters. True if the slices are others now. A server that does not tell its
  /// version is taken for a current one.
  Result<bool> learn(kube::Client& api, const kube::Wait& wait);

  /// After the server refused the slices: true if there is something that can be left out, and the slices are others
  /// now.
  bool giveIn(const Status& refusal);

 private:
  void reportLeftOut() const;

  const device::Inventory& inventory_;
  const bool matters_;
  ServerFeatures server_;
  bool learnt_ = false;
  base::Logger log_;
};

}  // namespace simgpu::slice
