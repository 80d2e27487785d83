#pragma once

#include <chrono>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace simgpu {

/// What kind of failure a `Status` reports; decides whether it is worth a retry, never what a person reads.
enum class Code {
  ok,
  invalidArgument,     ///< The input is wrong and stays wrong: do not retry.
  notFound,            ///< The thing asked for is not there.
  alreadyExists,       ///< A thing of that name is there already.
  conflict,            ///< Somebody else changed it meanwhile: read again, then retry.
  failedPrecondition,  ///< The system is in a state in which this cannot work; a retry helps once that changes.
  permissionDenied,    ///< The caller lacks a right.
  unauthenticated,     ///< The caller is not known, or no longer.
  resourceExhausted,   ///< Too much at once, or a full disk.
  unavailable,         ///< A peer does not answer or fails: retry later.
  deadlineExceeded,    ///< Not done in time.
  cancelled,           ///< The caller no longer wants it.
  expired,             ///< A resourceVersion or list token is too old: start again with a fresh list.
  dataLoss,            ///< Stored data cannot be understood.
  unimplemented,       ///< The peer does not know this operation.
  internal,            ///< A defect of this program or of its peer.
};

/// The code in the form used in logs, for example "NotFound".
std::string_view codeName(Code code);

/// The outcome of something that can fail: success, or a code and a message for a person.
///
/// Messages are sentences without a final full stop, in the style `read ResourceClaim a/b: <cause>`: each layer puts
/// what it was doing in front with `with()`.
class [[nodiscard]] Status {
 public:
  /// Success.
  Status() = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  static Status okStatus() { return {}; }

#define SIMGPU_STATUS_FACTORY(name)                                        \
  template <typename... Args>                                              \
  static Status name(fmt::format_string<Args...> format, Args&&... args) { \
    return {Code::name, fmt::format(format, std::forward<Args>(args)...)}; \
  }
  SIMGPU_STATUS_FACTORY(invalidArgument)
  SIMGPU_STATUS_FACTORY(notFound)
  SIMGPU_STATUS_FACTORY(alreadyExists)
  SIMGPU_STATUS_FACTORY(conflict)
  SIMGPU_STATUS_FACTORY(failedPrecondition)
  SIMGPU_STATUS_FACTORY(permissionDenied)
  SIMGPU_STATUS_FACTORY(unauthenticated)
  SIMGPU_STATUS_FACTORY(resourceExhausted)
  SIMGPU_STATUS_FACTORY(unavailable)
  SIMGPU_STATUS_FACTORY(deadlineExceeded)
  SIMGPU_STATUS_FACTORY(cancelled)
  SIMGPU_STATUS_FACTORY(expired)
  SIMGPU_STATUS_FACTORY(dataLoss)
  SIMGPU_STATUS_FACTORY(unimplemented)
  SIMGPU_STATUS_FACTORY(internal)
#undef SIMGPU_STATUS_FACTORY

  bool ok() const { return code_ == Code::ok; }
  explicit operator bool() const { return ok(); }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }

  /// The same failure, told from one layer up: `<context>: <message>`. Success stays success.
  template <typename... Args>
  Status with(fmt::format_string<Args...> format, Args&&... args) const {
    if (ok()) {
      return {};
    }
    Status outer = *this;
    outer.message_ = fmt::format(format, std::forward<Args>(args)...) + ": " + message_;
    return outer;
  }

  /// The pause that a server asked for before the next attempt (`Retry-After`), kept by `with()`.
  std::optional<std::chrono::seconds> retryAfter() const { return retryAfter_; }
  Status withRetryAfter(std::optional<std::chrono::seconds> pause) const {
    Status copy = *this;
    copy.retryAfter_ = pause;
    return copy;
  }

  /// For logs and test failures: `OK`, or `<code>: <message>`.
  std::string toString() const;

  bool operator==(const Status&) const = default;

 private:
  Code code_ = Code::ok;
  std::string message_;
  std::optional<std::chrono::seconds> retryAfter_;
};

/// The `Status` of an `errno`: ENOENT is notFound, EACCES permissionDenied, ENOSPC resourceExhausted, and so on.
Status statusOfErrno(int error, std::string_view what);

inline std::ostream& operator<<(std::ostream& out, const Status& status) {
  return out << status.toString();
}

}  // namespace simgpu
