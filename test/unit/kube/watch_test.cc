#include "simgpu/kube/watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes/result_matchers.h"
#include "unit/kube/fake_transport.h"

namespace simgpu::kube {
namespace {

using testing::Eq;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;
using testing::SizeIs;

class WatchTest : public testing::Test {
 protected:
  void arrives(std::vector<std::string> lines) {
    batches->push_back({.lines = std::move(lines), .ended = {}, .error = {}});
  }

  std::shared_ptr<std::deque<HttpStream::Batch>> batches = std::make_shared<std::deque<HttpStream::Batch>>();
  Watch<ResourceSlice> watch{std::make_unique<FakeStream>(batches)};
};

TEST_F(WatchTest, EventsAreReadInOrder) {
  arrives({R"({"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"1"}}})",
           R"({"type":"MODIFIED","object":{"metadata":{"name":"a","resourceVersion":"2"}}})", "",
           R"({"type":"DELETED","object":{"metadata":{"name":"a","resourceVersion":"3"}}})",
           R"({"type":"BOOKMARK","object":{"kind":"ResourceSlice","metadata":{"resourceVersion":"9"},"spec":{}}})"});

  auto batch = watch.take();

  ASSERT_THAT(batch.events, SizeIs(4));
  EXPECT_EQ(batch.events[0].type, WatchEventType::added);
  EXPECT_EQ(batch.events[1].type, WatchEventType::modified);
  EXPECT_EQ(batch.events[2].type, WatchEventType::deleted);
  EXPECT_EQ(batch.events[3].type, WatchEventType::bookmark);
  EXPECT_EQ(batch.events[3].object.metadata.resourceVersion, "9");
  EXPECT_FALSE(batch.ended);
}

TEST_F(WatchTest, AVersionThatIsTooOldEndsItAsExpiredAfterTheEventsBefore) {
  arrives({R"({"type":"ADDED","object":{}})",
           R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired",
               "message":"too old resource version: 1"}})",
           R"({"type":"ADDED","object":{}})"});
  auto batch = watch.take();
  EXPECT_THAT(batch.events, SizeIs(1));
  ASSERT_TRUE(batch.ended);
  EXPECT_THAT(*batch.ended, Fails(Code::expired, HasSubstr("too old resource version")));

  arrives({R"({"type":"ADDED","object":{}})"});
  EXPECT_THAT(watch.take().events, IsEmpty());
}

TEST_F(WatchTest, OtherErrorsKeepTheirCode) {
  arrives({R"({"type":"ERROR","object":{"kind":"Status","code":500,"message":"etcd"}})"});
  EXPECT_THAT(watch.take().ended, Optional(Fails(Code::unavailable, HasSubstr("etcd"))));
}

TEST_F(WatchTest, WhatCannotBeUnderstoodEndsIt) {
  for (const auto* line : {"{", R"({"type":"ADDED","object":{"spec":{"driver":1}}})", R"({"type":"NEWS","object":{}})",
                           R"({"type":7})", R"({"type":"ERROR","object":{}})", "[]"}) {
    Watch<ResourceSlice> other(std::make_unique<FakeStream>(batches));
    arrives({line});
    EXPECT_THAT(other.take().ended, Optional(Fails(Code::dataLoss, HasSubstr("watch ResourceSlices")))) << line;
  }
}

TEST_F(WatchTest, ACleanEndIsOk) {
  batches->push_back({.lines = {}, .ended = Status(), .error = {}});
  EXPECT_THAT(watch.take().ended, Optional(Eq(Status())));
}

TEST_F(WatchTest, ABrokenConnectionIsReported) {
  batches->push_back({.lines = {}, .ended = Status::unavailable("reset"), .error = {}});
  EXPECT_THAT(watch.take().ended, Optional(Fails(Code::unavailable, "watch ResourceSlices: reset")));
}

TEST_F(WatchTest, ARefusedWatchSaysWhatIsMissing) {
  HttpResponse forbidden;
  forbidden.status = 403;
  batches->push_back({.lines = {}, .ended = Status(), .error = forbidden});
  EXPECT_THAT(watch.take().ended,
              Optional(Fails(Code::permissionDenied, HasSubstr("needs \"watch\" on resourceslices"))));
}

TEST_F(WatchTest, ClaimsAreWatchedTheSameWay) {
  Watch<ResourceClaim> claims(std::make_unique<FakeStream>(batches));
  arrives({R"({"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"1"},"status":{"allocation":{}}}})",
           R"({"type":"ADDED","object":{"metadata":{"name":"odd"},"status":{"allocation":7}}})",
           R"({"type":"ADDED","object":7})"});

  auto batch = claims.take();

  ASSERT_THAT(batch.events, SizeIs(2));
  EXPECT_TRUE(batch.events[0].object.allocation);
  EXPECT_EQ(batch.events[1].object.metadata.name, "odd") << "one that cannot be understood does not end the watch";
  EXPECT_FALSE(batch.events[1].object.allocation);
  EXPECT_THAT(batch.ended, Optional(Fails(Code::dataLoss, HasSubstr("watch ResourceClaims"))));
}

}  // namespace
}  // namespace simgpu::kube
