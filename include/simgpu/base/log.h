#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "simgpu/base/clock.h"
#include "simgpu/base/status.h"

namespace simgpu::base {

/// Text that is JSON already and goes into a log line as it is.
struct RawJson {
  std::string text;
};

/// One `key=value` of a log line. Text is only referred to: a field lives as long as the call it is passed to.
class LogField {
 public:
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool, RawJson>;

  LogField(std::string_view key, std::string_view text) : key_(key), value_(text) {}
  LogField(std::string_view key, const std::string& text) : key_(key), value_(std::string_view(text)) {}
  LogField(std::string_view key, const char* text) : key_(key), value_(std::string_view(text)) {}
  LogField(std::string_view key, bool value) : key_(key), value_(value) {}
  LogField(std::string_view key, std::signed_integral auto value)
      : key_(key), value_(static_cast<std::int64_t>(value)) {}
  LogField(std::string_view key, std::unsigned_integral auto value)
    requires(!std::same_as<decltype(value), bool>)
      : key_(key), value_(static_cast<std::uint64_t>(value)) {}
  LogField(std::string_view key, double value) : key_(key), value_(value) {}
  LogField(std::string_view key, RawJson json) : key_(key), value_(std::move(json)) {}

  std::string_view key() const { return key_; }
  const Value& value() const { return value_; }

 private:
  std::string_view key_;
  Value value_;
};

enum class LogFormat { text, json };

/// Where log lines go. `LogSink::write` gets whole lines without a newline, from any thread.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void write(std::string_view line) = 0;
};

/// The sink of the program: standard error, through spdlog.
std::unique_ptr<LogSink> makeStderrSink();

struct LogOptions {
  LogFormat format = LogFormat::text;
  int verbosity = 0;            ///< `-v`: messages up to this level are written.
  std::string verbosityByFile;  ///< `--vmodule`: `pattern=level,…`, patterns match the file name without extension.
};

/// Writes log lines as Kubernetes components do: klog's text form with key/value pairs
/// (`I1124 01:07:33.123456    4242 preparer.cc:87] "Preparing claim" uid="…"`) or component-base's JSON.
///
/// A cheap value: copies share the sink. A default-constructed one drops everything.
class Logger {
 public:
  Logger() = default;

  /// `sink` and `clock` must outlive every copy. `options` must be valid.
  Logger(LogSink& sink, const Clock& clock, const LogOptions& options);

  /// Checks what a user gave; the message names the wrong part.
  static Status validate(const LogOptions& options);

  /// The same logger with these fields on every line. Copies the values.
  Logger with(std::initializer_list<LogField> fields) const;

  /// The same logger, for messages of this verbosity; it drops them unless `-v` is at least `level`.
  Logger v(int level) const;

  /// Whether a message would be written; for fields that cost something to build.
  bool enabled(std::source_location where = std::source_location::current()) const;

  void info(std::string_view message, std::initializer_list<LogField> fields = {},
            std::source_location where = std::source_location::current()) const;
  void warning(std::string_view message, std::initializer_list<LogField> fields = {},
               std::source_location where = std::source_location::current()) const;

  /// Adds `err="<message>"` as klog does.
  void error(const Status& status, std::string_view message, std::initializer_list<LogField> fields = {},
             std::source_location where = std::source_location::current()) const;

 private:
  struct Shared;

  void write(char severity, std::string_view message, const Status* status, std::initializer_list<LogField> fields,
             const std::source_location& where) const;

  std::shared_ptr<const Shared> shared_;
  std::string prefix_;  ///< Fields of `with()`, formatted already.
  int level_ = 0;
};

}  // namespace simgpu::base
