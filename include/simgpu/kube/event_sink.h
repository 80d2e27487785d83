#pragma once

#include <string>

#include "simgpu/kube/types.h"

namespace simgpu::kube {

/// Something that the users of an object should know, and see nowhere else.
struct Occurrence {
  ObjectReference about;
  std::string type = "Warning";  ///< Or `Normal`.
  std::string reason;            ///< One word in CamelCase, for machines.
  std::string message;           ///< For people. The same again is a repetition: leave out what changes each time.
};

/// Where rooms tell what happened. They need not know whether anybody listens.
class EventSink {
 public:
  virtual ~EventSink() = default;

  /// From any thread; returns at once, and never fails: nothing may depend on an Event.
  virtual void record(Occurrence occurrence) = 0;
};

}  // namespace simgpu::kube
