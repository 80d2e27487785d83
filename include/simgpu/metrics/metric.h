#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace simgpu::metrics {

/// How often something happened. Only grows. All operations of metrics are safe from any thread, and never wait.
class Counter {
 public:
  /// `amount` must not be negative.
  void add(double amount = 1) { value_.fetch_add(amount, std::memory_order_relaxed); }

  /// Sets a count that somebody else keeps, such as the kernel; never lowers it.
  void raiseTo(double value);

  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_ = 0;
};

/// How much of something there is.
class Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  void add(double amount) { value_.fetch_add(amount, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_ = 0;
};

/// How values are distributed over buckets.
class Histogram {
 public:
  /// Upper bounds of the buckets, ascending; the one without a bound is added.
  explicit Histogram(std::vector<double> bounds);

  void observe(double value);
  void observe(std::chrono::nanoseconds duration) { observe(std::chrono::duration<double>(duration).count()); }

  const std::vector<double>& bounds() const { return bounds_; }

  struct Snapshot {
    std::vector<std::uint64_t> counts;  ///< Of each bucket alone; one more than there are bounds.
    double sum = 0;
  };
  Snapshot snapshot() const;

 private:
  const std::vector<double> bounds_;
  const std::unique_ptr<std::atomic<std::uint64_t>[]> counts_;
  std::atomic<double> sum_ = 0;
};

}  // namespace simgpu::metrics
