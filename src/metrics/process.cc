#include "simgpu/metrics/process.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace simgpu::metrics {
namespace {

std::optional<double> number(std::string_view text) {
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> found;
  for (;;) {
    auto begin = text.find_first_not_of(" \t\n");
    if (begin == std::string_view::npos) {
      return found;
    }
    text.remove_prefix(begin);
    auto word = text.substr(0, text.find_first_of(" \t\n"));
    found.push_back(word);
    text.remove_prefix(word.size());
  }
}

/// The line that starts with `begin`, without that.
std::string_view lineAfter(std::string_view text, std::string_view begin) {
  for (std::size_t start = 0; start < text.size();) {
    auto end = std::min(text.find('\n', start), text.size());
    auto line = text.substr(start, end - start);
    if (line.starts_with(begin)) {
      return line.substr(begin.size());
    }
    start = end + 1;
  }
  return {};
}

/// The metrics, and how they are read. The fields of `/proc/self/stat` are numbered as in proc(5).
class Process {
 public:
  Process(Registry& registry, base::Files& files)
      : files_(files),
        cpu_(registry.counter("process_cpu_seconds_total",
                              "CPU time that the process has used, in user and system mode.")),
        resident_(registry.gauge("process_resident_memory_bytes", "Memory of the process that is in RAM.")),
        virtual_(registry.gauge("process_virtual_memory_bytes", "Address space of the process.")),
        openFds_(registry.gauge("process_open_fds", "File descriptors that the process has open.")),
        maxFds_(registry.gauge("process_max_fds", "File descriptors that the process may have open.")),
        start_(registry.gauge("process_start_time_seconds", "When the process was started, in seconds since 1970.")) {}

  void refresh() const {
    readStat();
    if (auto descriptors = files_.list("/proc/self/fd")) {
      openFds_.set(static_cast<double>(descriptors->size()));
    }
    if (auto limits = files_.read("/proc/self/limits")) {
      auto fields = words(lineAfter(*limits, "Max open files"));
      if (auto limit = fields.empty() ? std::nullopt : number(fields.front())) {
        maxFds_.set(*limit);
      }
    }
  }

 private:
  void readStat() const {
    auto stat = files_.read("/proc/self/stat");
    if (!stat) {
      return;
    }
    // The second field, the name of the program in parentheses, may hold anything.
    auto fields = words(std::string_view(*stat).substr(std::min(stat->rfind(')') + 1, stat->size())));
    auto field = [&](std::size_t position) -> std::optional<double> {
      constexpr std::size_t kFirst = 3;
      return position - kFirst < fields.size() ? number(fields[position - kFirst]) : std::nullopt;
    };
    auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    if (auto user = field(14), system = field(15); user && system) {
      cpu_.raiseTo((*user + *system) / ticks);
    }
    if (auto bytes = field(23)) {
      virtual_.set(*bytes);
    }
    if (auto pages = field(24)) {
      resident_.set(*pages * static_cast<double>(::sysconf(_SC_PAGESIZE)));
    }
    auto system = files_.read("/proc/stat");
    auto boot = system ? words(lineAfter(*system, "btime")) : std::vector<std::string_view>();
    auto bootTime = boot.empty() ? std::nullopt : number(boot.front());
    if (auto sinceBoot = field(22); sinceBoot && bootTime) {
      start_.set(*bootTime + *sinceBoot / ticks);
    }
  }

  base::Files& files_;
  Counter& cpu_;
  Gauge& resident_;
  Gauge& virtual_;
  Gauge& openFds_;
  Gauge& maxFds_;
  Gauge& start_;
};

}  // namespace

void addProcessMetrics(Registry& registry, base::Files& files) {
  registry.beforeText([process = Process(registry, files)] { process.refresh(); });
}

}  // namespace simgpu::metrics
