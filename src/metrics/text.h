#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "simgpu/metrics/metric.h"

namespace simgpu::metrics {

/// A number as Go writes it, whose clients everybody compares with: `0.005`, `10`, `1e+06`, `+Inf`.
std::string numberText(double value);

/// `# HELP` and `# TYPE`.
void writeHead(std::string_view name, std::string_view help, std::string_view type, std::string& text);

/// The samples of a metric.
void writeSamples(std::string_view name, std::span<const std::string> labels, std::span<const std::string> values,
                  const Counter& counter, std::string& text);
void writeSamples(std::string_view name, std::span<const std::string> labels, std::span<const std::string> values,
                  const Gauge& gauge, std::string& text);
void writeSamples(std::string_view name, std::span<const std::string> labels, std::span<const std::string> values,
                  const Histogram& histogram, std::string& text);

}  // namespace simgpu::metrics
