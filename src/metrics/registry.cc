#include "simgpu/metrics/registry.h"

#include <utility>

#include "metrics/text.h"

namespace simgpu::metrics {
namespace {

constexpr std::string_view typeOf(const Counter* /*metric*/) {
  return "counter";
}
constexpr std::string_view typeOf(const Gauge* /*metric*/) {
  return "gauge";
}
constexpr std::string_view typeOf(const Histogram* /*metric*/) {
  return "histogram";
}

}  // namespace

template <typename Metric>
struct Registry::Typed final : Entry {
  Typed(std::string_view text, std::vector<std::string> labels, std::function<std::unique_ptr<Metric>()> make)
      : help(text), family(std::move(labels), std::move(make)) {}

  void write(std::string_view name, std::string& text) const override {
    bool first = true;
    family.each([&](const std::vector<std::string>& values, const Metric& metric) {
      if (std::exchange(first, false)) {
        writeHead(name, help, typeOf(&metric), text);
      }
      writeSamples(name, family.labels(), values, metric, text);
    });
  }

  std::string help;
  Family<Metric> family;
};

template <typename Metric>
Family<Metric>& Registry::family(std::string_view name, std::string_view help, std::vector<std::string> labels,
                                 std::function<std::unique_ptr<Metric>()> make) {
  std::lock_guard guard(mutex_);
  auto found = entries_.find(name);
  if (found != entries_.end()) {
    auto* known = dynamic_cast<Typed<Metric>*>(found->second.get());
    if (known != nullptr && known->family.labels() == labels) {
      return known->family;
    }
  }
  auto entry = std::make_unique<Typed<Metric>>(help, std::move(labels), std::move(make));
  Family<Metric>& made = entry->family;
  if (found == entries_.end()) {
    entries_.emplace(name, std::move(entry));
  } else {
    misnamed_.push_back(std::move(entry));
  }
  return made;
}

Family<Counter>& Registry::counters(std::string_view name, std::string_view help, std::vector<std::string> labels) {
  return family<Counter>(name, help, std::move(labels), [] { return std::make_unique<Counter>(); });
}

Family<Gauge>& Registry::gauges(std::string_view name, std::string_view help, std::vector<std::string> labels) {
  return family<Gauge>(name, help, std::move(labels), [] { return std::make_unique<Gauge>(); });
}

Family<Histogram>& Registry::histograms(std::string_view name, std::string_view help, std::vector<std::string> labels,
                                        std::vector<double> bounds) {
  return family<Histogram>(name, help, std::move(labels),
                           [bounds = std::move(bounds)] { return std::make_unique<Histogram>(bounds); });
}

void Registry::beforeText(std::function<void()> refresh) {
  std::lock_guard guard(mutex_);
  refreshes_.push_back(std::move(refresh));
}

std::string Registry::text() const {
  std::vector<std::function<void()>> refreshes;
  {
    std::lock_guard guard(mutex_);
    refreshes = refreshes_;
  }
  for (const auto& refresh : refreshes) {
    refresh();
  }
  std::string text;
  std::lock_guard guard(mutex_);
  for (const auto& [name, entry] : entries_) {
    entry->write(name, text);
  }
  return text;
}

}  // namespace simgpu::metrics
