#include "device/go_random.h"

#include <functional>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace simgpu::device {
namespace {

std::vector<std::string> uuids(std::string_view node, std::size_t count) {
  UuidStream stream(node);
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back(stream.next());
  }
  return all;
}

TEST(GoRandom, TheComputedStateHasTheCheckValuesOfGosTable) {
  const auto& cooked = GoRandom::cooked();

  EXPECT_EQ(cooked.front(), static_cast<std::uint64_t>(-4181792142133755926));
  EXPECT_EQ(cooked.back(), 4152330101494654406u);
  EXPECT_EQ(std::accumulate(cooked.begin(), cooked.end(), std::uint64_t{0}), 0x6cfdb5c15889b293u);
  EXPECT_EQ(std::accumulate(cooked.begin(), cooked.end(), std::uint64_t{0}, std::bit_xor()), 0x3d3c2132918f7b5bu);
}

TEST(GoRandom, SeedOneGivesGosNumbers) {
  GoRandom random(1);

  EXPECT_EQ(random.next63(), 5577006791947779410u);
  EXPECT_EQ(random.next63(), 8674665223082153551u);
}

TEST(UuidStream, EqualsTheReferenceDriverOnItsOwnCluster) {
  EXPECT_EQ(uuids("dra-example-driver-cluster-worker", 9),
            (std::vector<std::string>{"18db0e85-99e9-c746-8531-ffeb86328b39", "93d37703-997c-c46f-a531-755e3e0dc2ac",
                                      "ee3e4b55-fcda-44b8-0605-64b7a9967744", "9ede7e32-5825-a11b-fa3d-bab6d47e0243",
                                      "e7b42cb1-4fd8-91b2-bc77-352a0c1f5747", "f11773a1-5bfb-e48b-3d98-1beb5baaf08e",
                                      "0159f35e-99ee-b2b5-74f1-9d18df3f22ac", "657bd2e7-f5c2-a7f2-fbaa-0d1cdc32f81b",
                                      "cdce71e2-83a0-9aca-6d94-157e1ea2a3ef"}));
}

TEST(UuidStream, EqualsTheReferenceDriverOnShortNames) {
  EXPECT_EQ(uuids("node0", 9),
            (std::vector<std::string>{"ba3b8fe9-6640-9938-f8bd-8a7ff8ec6eae", "79211cc7-9870-40fb-1bcd-7a9bfbf3bff0",
                                      "4bba3fff-cb71-53d7-4f13-930bd5a6345f", "34dfcbf4-611a-50ec-e178-604b24580d1d",
                                      "adc30040-0478-7660-5f84-49684b91f7f8", "65d56143-9a0a-c3e9-77ca-82d6c63ddd12",
                                      "1685e88a-ba90-cf58-952a-b7f015c22357", "db893ad1-29c0-dae7-a814-088b3c417e44",
                                      "8445ed5a-8435-ee11-c8ee-90cad611a2c5"}));
}

TEST(UuidStream, EqualsTheTutorial) {
  EXPECT_EQ(uuids("kind-worker", 9),
            (std::vector<std::string>{"4cbf87f3-433e-6717-5588-c33e6886832f", "58bd415e-dee8-f0a5-ca03-02d000554b1a",
                                      "6ab67185-8eff-3a23-32fd-75bfbe37b488", "6b77fb80-2d68-809d-4bf1-285e5f47dcc5",
                                      "417d66cd-4546-0786-59a3-ef7eb54c564d", "f0fdf728-dccb-f484-bbf5-33f63a90b820",
                                      "121b8219-b8d6-015c-b2eb-1e320ee07510", "f270be4e-7cd6-da75-39e7-b707122f9b70",
                                      "091ffa42-7640-9cfd-c78e-4fbb544c2a00"}));
}

TEST(UuidStream, NegativeHashesOtherLettersAndNoNameWorkToo) {
  EXPECT_EQ(uuids("ip-10-0-0-1.ec2.internal", 2),
            (std::vector<std::string>{"0400c529-8f4e-db60-8eee-885340afe8ef", "b9c72140-49e2-7b1d-6267-e8e4371059d7"}));
  EXPECT_EQ(uuids("dra-example-driver-cluster-worker2", 1).front(), "f39abc74-ac3a-f590-a01e-3300b7c61199");
  EXPECT_EQ(uuids("worker-\xc3\xa4\xc3\xb6", 1).front(), "0136e761-e706-2417-5c11-573b1e7d1f47");
  EXPECT_EQ(uuids("", 1).front(), "0194fdc2-fa2f-fcc0-41d3-ff12045b73c8");
}

}  // namespace
}  // namespace simgpu::device
