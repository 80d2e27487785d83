#include "unit/slice/publisher_fixture.h"

namespace simgpu::slice {
namespace {

TEST_F(PublisherTest, OfTwoProcessesOneWritesAndTheOtherTakesOver) {
  publish(8);
  std::size_t before = server.requests();
  auto second = makePublisher(16);
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(pauses(1s));
    clock.advance(1s);
  }
  ASSERT_TRUE(pauses(1s));
  EXPECT_EQ(server.requests(), before);
  EXPECT_EQ(lines.count("Another process of this driver"), 1u);

  publisher.reset();
  clock.advance(1s);

  EXPECT_TRUE(eventually([&] { return published(16, 2); }));
  EXPECT_EQ(server.requests("POST", kSlices), 1u);
}

TEST_F(PublisherTest, PokingTheOneThatWaitsChangesNothing) {
  publish(8);
  std::size_t before = server.requests();
  auto second = makePublisher(16);
  ASSERT_TRUE(pauses(1s));

  second->poke();
  clock.advance(1s);
  ASSERT_TRUE(pauses(1s));

  EXPECT_EQ(server.requests(), before);
}

TEST_F(PublisherTest, ALockThatCannotBeTakenIsReportedAndTriedAgain) {
  files.failWhen([](std::string_view operation, const std::filesystem::path&) {
    return operation == "lock" ? Status::permissionDenied("open publish.lock: Permission denied") : Status();
  });
  start(8);
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(pauses());
    clock.advance(1s);
  }
  EXPECT_EQ(server.requests("", kSlices), 0u);
  EXPECT_GE(lines.count("Permission denied"), 5u);
  EXPECT_LT(lines.count("Permission denied"), 20u);

  files.failWhen({});
  clock.advance(30s);

  EXPECT_TRUE(eventually([&] { return published(8, 1); }));
}

}  // namespace
}  // namespace simgpu::slice
