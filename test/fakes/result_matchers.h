#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simgpu/base/result.h"

namespace simgpu {

inline const Status& statusOf(const Status& status) {
  return status;
}

template <typename T>
Status statusOf(const Result<T>& result) {
  return result ? Status() : result.error();
}

/// Matches a Status or Result that is a success.
MATCHER(IsOk, negation ? "is a failure" : "is ok") {
  Status status = statusOf(arg);
  *result_listener << "which is " << status.toString();
  return status.ok();
}

/// Matches a failure of this code whose message matches: `Fails(Code::notFound, HasSubstr("gpu-9"))`.
MATCHER_P2(Fails, code, message, "fails with the code and message") {
  Status status = statusOf(arg);
  *result_listener << "which is " << status.toString();
  return status.code() == code && testing::ExplainMatchResult(message, status.message(), result_listener);
}

/// Matches a Result that holds a value that matches.
MATCHER_P(IsOkAndHolds, value, "is ok and holds the value") {
  if (!arg) {
    *result_listener << "which is " << arg.error().toString();
    return false;
  }
  return testing::ExplainMatchResult(value, *arg, result_listener);
}

#define ASSERT_OK(expression) ASSERT_THAT((expression), ::simgpu::IsOk())
#define EXPECT_OK(expression) EXPECT_THAT((expression), ::simgpu::IsOk())

}  // namespace simgpu
