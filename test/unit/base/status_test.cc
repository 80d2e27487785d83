#include <cerrno>

#include "fakes/result_matchers.h"
#include "simgpu/base/result.h"

namespace simgpu {
namespace {

using testing::HasSubstr;

TEST(StatusTest, EachLayerPutsItsContextInFrontAndKeepsTheCode) {
  Status status = Status::notFound("gpu-{} is not there", 9).with("prepare {}", "a/b");

  EXPECT_EQ(status.code(), Code::notFound);
  EXPECT_EQ(status.message(), "prepare a/b: gpu-9 is not there");
  EXPECT_EQ(status.toString(), "NotFound: prepare a/b: gpu-9 is not there");
}

TEST(StatusTest, ContextLeavesSuccessAndRetryAfterAsTheyAre) {
  EXPECT_TRUE(Status().with("anything").ok());
  Status busy = Status::unavailable("too much").withRetryAfter(std::chrono::seconds(3)).with("list");
  EXPECT_EQ(busy.retryAfter(), std::chrono::seconds(3));
}

TEST(StatusTest, ErrnoBecomesTheCodeThatCallersActOn) {
  EXPECT_THAT(statusOfErrno(ENOENT, "open /x"), Fails(Code::notFound, HasSubstr("open /x: No such file")));
  EXPECT_EQ(statusOfErrno(EACCES, "").code(), Code::permissionDenied);
  EXPECT_EQ(statusOfErrno(EROFS, "").code(), Code::permissionDenied);
  EXPECT_EQ(statusOfErrno(ENOSPC, "").code(), Code::resourceExhausted);
  EXPECT_EQ(statusOfErrno(EIO, "").code(), Code::unavailable);
}

}  // namespace
}  // namespace simgpu
