#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "simgpu/metrics/metric.h"

namespace simgpu::metrics {

/// The metrics of one name, one for each combination of label values.
template <typename Metric>
class Family {
 public:
  Family(std::vector<std::string> labels, std::function<std::unique_ptr<Metric>()> make)
      : labels_(std::move(labels)), make_(std::move(make)) {}

  /// The metric with these values, in the order of the labels; it is there, and served, from the first call on, for as
  /// long as the registry is. Values must come from a small set: each new one is kept for ever.
  Metric& with(std::initializer_list<std::string_view> values) {
    std::vector<std::string> key(values.begin(), values.end());
    key.resize(labels_.size());
    std::lock_guard guard(mutex_);
    auto& metric = metrics_[std::move(key)];
    if (!metric) {
      metric = make_();
    }
    return *metric;
  }

  const std::vector<std::string>& labels() const { return labels_; }

  /// Calls `visit(values, metric)` for each metric, in the order of the values.
  template <typename Visit>
  void each(Visit visit) const {
    std::lock_guard guard(mutex_);
    for (const auto& [values, metric] : metrics_) {
      visit(values, *metric);
    }
  }

 private:
  const std::vector<std::string> labels_;
  const std::function<std::unique_ptr<Metric>()> make_;
  mutable std::mutex mutex_;
  std::map<std::vector<std::string>, std::unique_ptr<Metric>> metrics_;
};

/// All metrics of a process, or of a part of it, and their text form. Must outlive everybody who was given a metric.
///
/// Whoever asks for a name again gets what is there: two drivers with one registry add up, two with a registry each do
/// not know of each other. A name that is taken by another kind of metric, or with other labels, is a defect; the later
/// one counts, but is not served.
class Registry {
 public:
  Registry() = default;
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// Families. `name` and `labels` must be valid in Prometheus' text format; the name of a counter ends in `_total`,
  /// except where somebody else chose it.
  Family<Counter>& counters(std::string_view name, std::string_view help, std::vector<std::string> labels);
  Family<Gauge>& gauges(std::string_view name, std::string_view help, std::vector<std::string> labels);
  Family<Histogram>& histograms(std::string_view name, std::string_view help, std::vector<std::string> labels,
                                std::vector<double> bounds);

  /// Metrics without labels.
  Counter& counter(std::string_view name, std::string_view help) { return counters(name, help, {}).with({}); }
  Gauge& gauge(std::string_view name, std::string_view help) { return gauges(name, help, {}).with({}); }

  /// Called at the beginning of each `text()`, for what is cheaper to look up than to keep. May run in several threads.
  void beforeText(std::function<void()> refresh);

  /// Everything in Prometheus' text format 0.0.4, sorted by name and label values. A family without metrics is left
  /// out.
  std::string text() const;

 private:
  template <typename Metric>
  struct Typed;
  struct Entry {
    virtual ~Entry() = default;
    virtual void write(std::string_view name, std::string& text) const = 0;
  };

  template <typename Metric>
  Family<Metric>& family(std::string_view name, std::string_view help, std::vector<std::string> labels,
                         std::function<std::unique_ptr<Metric>()> make);

  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Entry>, std::less<>> entries_;
  std::vector<std::unique_ptr<Entry>> misnamed_;
  std::vector<std::function<void()>> refreshes_;
};

}  // namespace simgpu::metrics
