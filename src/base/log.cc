#include "simgpu/base/log.h"

#include <charconv>
#include <chrono>
#include <ctime>
#include <fnmatch.h>
#include <iterator>
#include <memory>
#include <sys/syscall.h>
#include <unistd.h>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "simgpu/base/json_writer.h"
#include "simgpu/base/result.h"

namespace simgpu::base {
namespace {

/// spdlog writes whole lines from any thread; the line itself is formatted here, because klog's form has no spdlog
/// pattern.
class StderrSink final : public LogSink {
 public:
  StderrSink() : logger_("simgpu", std::make_shared<spdlog::sinks::stderr_sink_mt>()) { logger_.set_pattern("%v"); }

  void write(std::string_view line) override { logger_.info(spdlog::string_view_t(line.data(), line.size())); }

 private:
  spdlog::logger logger_;
};

struct AppendValue {
  std::string& line;

  void operator()(std::string_view text) const { appendJsonString(line, text); }
  void operator()(bool value) const { line += value ? "true" : "false"; }
  void operator()(const RawJson& json) const { line += json.text; }
  void operator()(auto number) const { fmt::format_to(std::back_inserter(line), "{}", number); }
};

/// `key=value` behind a space, or `,"key":value`.
void append(std::string& line, LogFormat format, std::string_view key, const LogField::Value& value) {
  if (format == LogFormat::text) {
    line += ' ';
    line += key;
    line += '=';
  } else {
    line += ',';
    appendJsonString(line, key);
    line += ':';
  }
  std::visit(AppendValue{line}, value);
}

std::string_view fileName(std::string_view path) {
  std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

struct FileLevel {
  std::string pattern;
  int level = 0;
};

/// `--vmodule`: `pattern=level,…`
Result<std::vector<FileLevel>> parseFileLevels(std::string_view text) {
  std::vector<FileLevel> levels;
  while (!text.empty()) {
    std::size_t comma = text.find(',');
    std::string_view entry = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    std::size_t equals = entry.find('=');
    int level = 0;
    std::string_view number = equals == std::string_view::npos ? std::string_view() : entry.substr(equals + 1);
    auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), level);
    if (equals == 0 || number.empty() || error != std::errc() || end != number.data() + number.size() || level < 0) {
      return unexpected(Status::invalidArgument("\"{}\": expected <file pattern>=<level>,…", entry));
    }
    levels.push_back({std::string(entry.substr(0, equals)), level});
  }
  return levels;
}

std::string klogHeader(char severity, Clock::WallTime time, pid_t process, const std::source_location& where) {
  std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm local{};
  localtime_r(&seconds, &local);
  auto micros = std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count() % 1'000'000;
  return fmt::format("{}{:02}{:02} {:02}:{:02}:{:02}.{:06} {:7} {}:{}] ", severity, local.tm_mon + 1, local.tm_mday,
                     local.tm_hour, local.tm_min, local.tm_sec, micros, process, fileName(where.file_name()),
                     where.line());
}

}  // namespace

struct Logger::Shared {
  LogSink* sink;
  const Clock* clock;
  LogFormat format;
  int verbosity;
  std::vector<FileLevel> fileLevels;
  pid_t process = ::getpid();  ///< A system call, if asked for each line.

  bool enabled(int level, std::string_view file) const {
    if (level <= verbosity) {
      return true;
    }
    std::string_view stem = fileName(file);
    stem = stem.substr(0, stem.rfind('.'));
    for (const FileLevel& entry : fileLevels) {
      if (fnmatch(entry.pattern.c_str(), std::string(stem).c_str(), 0) == 0) {
        return level <= entry.level;
      }
    }
    return false;
  }
};

std::unique_ptr<LogSink> makeStderrSink() {
  return std::make_unique<StderrSink>();
}

Logger::Logger(LogSink& sink, const Clock& clock, const LogOptions& options) {
  auto levels = parseFileLevels(options.verbosityByFile);
  shared_ = std::make_shared<const Shared>(
      Shared{&sink, &clock, options.format, options.verbosity, levels ? *std::move(levels) : std::vector<FileLevel>()});
}

Status Logger::validate(const LogOptions& options) {
  auto levels = parseFileLevels(options.verbosityByFile);
  return levels ? Status() : levels.error();
}

Logger Logger::with(std::initializer_list<LogField> fields) const {
  Logger copy = *this;
  if (shared_) {
    for (const LogField& field : fields) {
      append(copy.prefix_, shared_->format, field.key(), field.value());
    }
  }
  return copy;
}

Logger Logger::v(int level) const {
  Logger copy = *this;
  copy.level_ = level;
  return copy;
}

bool Logger::enabled(std::source_location where) const {
  return shared_ && shared_->enabled(level_, where.file_name());
}

void Logger::info(std::string_view message, std::initializer_list<LogField> fields, std::source_location where) const {
  if (enabled(where)) {
    write('I', message, nullptr, fields, where);
  }
}

void Logger::warning(std::string_view message, std::initializer_list<LogField> fields,
                     std::source_location where) const {
  if (shared_) {
    write('W', message, nullptr, fields, where);
  }
}

void Logger::error(const Status& status, std::string_view message, std::initializer_list<LogField> fields,
                   std::source_location where) const {
  if (shared_) {
    write('E', message, &status, fields, where);
  }
}

void Logger::write(char severity, std::string_view message, const Status* status,
                   std::initializer_list<LogField> fields, const std::source_location& where) const {
  Clock::WallTime time = shared_->clock->wallTime();
  std::string line;
  if (shared_->format == LogFormat::text) {
    line = klogHeader(severity, time, shared_->process, where);
    appendJsonString(line, message);
  } else {
    double milliseconds = std::chrono::duration<double, std::milli>(time.time_since_epoch()).count();
    line = fmt::format(R"({{"ts":{:.3f},"caller":"{}:{}","msg":)", milliseconds, fileName(where.file_name()),
                       where.line());
    appendJsonString(line, message);
    line += severity == 'I' ? fmt::format(R"(,"v":{})", level_) : severity == 'W' ? R"(,"level":"warning")" : "";
  }
  if (status != nullptr) {
    append(line, shared_->format, "err", std::string_view(status->message()));
  }
  line += prefix_;
  for (const LogField& field : fields) {
    append(line, shared_->format, field.key(), field.value());
  }
  if (shared_->format == LogFormat::json) {
    line += '}';
  }
  shared_->sink->write(line);
}

}  // namespace simgpu::base
