#include "contract/contract_test.h"

/// Lists: selectors, pages, deletion of many.
namespace simgpu::contract {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Lists : public ContractTest {
 protected:
  std::string mine(const std::string& more = "") const {
    return std::string(kSlices) + "?fieldSelector=spec.nodeName%3D" + node() + more;
  }

  std::vector<std::string> names(const json& list) const {
    std::vector<std::string> found;
    for (const json& item : list["items"]) {
      found.push_back(item["metadata"]["name"].get<std::string>().substr(name("").size()));
    }
    return found;
  }
};

TEST_F(Lists, AnUnknownFieldIsABadRequest) {
  Answer answer = get(std::string(kSlices) + "?fieldSelector=spec.pool.generation%3D1");

  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.message(),
              HasSubstr("field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: spec.pool.generation"));
}

TEST_F(Lists, ClaimsCannotBeSelectedByAllocation) {
  Answer answer = get(std::string(kClaims) + "?fieldSelector=status.allocation%3Dx");

  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.message(), HasSubstr("\"status.allocation\" is not a known field selector: only "
                                          "\"metadata.name\", \"metadata.namespace\""));
}

TEST_F(Lists, SlicesAreSelectedByNodeAndDriver) {
  json other = slice("b");
  other["spec"]["driver"] = "other.example.com";
  json elsewhere = slice("c");
  elsewhere["spec"]["nodeName"] = name("elsewhere");
  post(kSlices, slice("a"));
  post(kSlices, other);
  post(kSlices, elsewhere);

  EXPECT_THAT(names(get(mine()).body), ElementsAre("a", "b"));
  EXPECT_THAT(names(get(mine("%2Cspec.driver%3Dcontract.example.com")).body), ElementsAre("a"));
  EXPECT_THAT(names(get(mine("%2Cspec.driver!%3Dcontract.example.com")).body), ElementsAre("b"));
}

TEST_F(Lists, AnEmptyNodeSelectsSlicesWithoutNode) {
  json anywhere = slice("b");
  anywhere["spec"].erase("nodeName");
  anywhere["spec"]["allNodes"] = true;
  anywhere["spec"]["driver"] = name("") + "x";
  post(kSlices, slice("a"));
  post(kSlices, anywhere);

  Answer answer = get(std::string(kSlices) + "?fieldSelector=spec.nodeName%3D%2Cspec.driver%3D" + name("") + "x");

  EXPECT_THAT(names(answer.body), ElementsAre("b"));
}

TEST_F(Lists, ItemsComeWithoutKindAndTheListWithAVersion) {
  post(kSlices, slice());

  json list = get(mine()).body;

  EXPECT_EQ(list["kind"], "ResourceSliceList");
  EXPECT_FALSE(versionOf(list).empty());
  EXPECT_FALSE(list["items"][0].contains("kind"));
}

TEST_F(Lists, PagesFollowEachOtherAndShowOneVersion) {
  for (const char* suffix : {"a", "b", "c"}) {
    post(kSlices, slice(suffix));
  }
  json first = get(mine("&limit=2")).body;
  EXPECT_THAT(names(first), ElementsAre("a", "b"));
  post(kSlices, slice("d"));

  json second = get(mine("&limit=2&continue=" + first["metadata"]["continue"].get<std::string>())).body;

  EXPECT_THAT(names(second), ElementsAre("c"));
  EXPECT_EQ(versionOf(second), versionOf(first));
  EXPECT_EQ(second["metadata"].value("continue", ""), "");
}

TEST_F(Lists, ABrokenContinueTokenIsABadRequest) {
  EXPECT_EQ(get(mine("&limit=2&continue=nonsense")).status, 400);
}

TEST_F(Lists, AnOldContinueTokenIsExpired) {
  if (standin() == nullptr) {
    GTEST_SKIP() << "only the stand-in compacts on demand";
  }
  post(kSlices, slice("a"));
  post(kSlices, slice("b"));
  json first = get(mine("&limit=1")).body;
  post(kSlices, slice("c"));
  standin()->compact();

  Answer answer = get(mine("&limit=1&continue=" + first["metadata"]["continue"].get<std::string>()));

  EXPECT_EQ(answer.status, 410);
  EXPECT_EQ(answer.reason(), "Expired");
}

TEST_F(Lists, AVersionOfTheFutureIsATimeout) {
  Answer answer = get(mine("&resourceVersion=999999999999"));

  EXPECT_EQ(answer.status, 504);
  EXPECT_EQ(answer.reason(), "Timeout");
  EXPECT_EQ(answer.body["details"]["causes"][0]["reason"], "ResourceVersionTooLarge");
}

TEST_F(Lists, ManyAreDeletedBySelector) {
  json elsewhere = slice("b");
  elsewhere["spec"]["nodeName"] = name("elsewhere");
  post(kSlices, slice("a"));
  post(kSlices, elsewhere);

  Answer answer = remove(mine());

  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body["kind"], "ResourceSliceList");
  EXPECT_EQ(get(path(kSlices, "a")).status, 404);
  EXPECT_EQ(get(path(kSlices, "b")).status, 200);
}

}  // namespace
}  // namespace simgpu::contract
