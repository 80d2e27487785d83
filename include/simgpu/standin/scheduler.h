#pragma once

#include <memory>

#include "simgpu/base/clock.h"
#include "simgpu/base/log.h"
#include "simgpu/kube/transport.h"

namespace simgpu::standin {

/// A kube-scheduler and the claim controllers, small enough to embed: makes the claims of templates, allocates the
/// claims of pending pods first fit, binds the pods, and frees what finished or deleted pods held.
///
/// Knows complete pools of the highest generation, ExactCount, All, firstAvailable, admin access, taints, shares of
/// devices, counters of partitions, and the configuration of classes and claims. Of CEL only `device.driver == 'd'`,
/// `device.attributes["d"].n == 'v'`, `device.capacity["d"].n == quantity("v")` and `….compareTo(quantity("v")) >= 0`,
/// joined by `&&`. A pod that needs anything else stays pending, with the reason in its condition PodScheduled. Runs
/// from construction to destruction.
class Scheduler {
 public:
  /// The parameters must outlive the scheduler.
  Scheduler(kube::Transport& transport, base::Clock& clock, base::Logger log);
  ~Scheduler();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace simgpu::standin
