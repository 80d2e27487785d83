#include "kubelet/socket_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes/result_matchers.h"

namespace simgpu::kubelet {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kUid = "303b27ee-1111-2222-3333-444455556666";

/// A directory of exactly `length` bytes.
std::filesystem::path directoryOf(std::size_t length) {
  return "/" + std::string(length - 1, 'd');
}

TEST(SocketNames, ADriverWithoutAPodUidHasFixedNames) {
  EXPECT_THAT(registrationSocketNames("gpu.example.com", ""), ElementsAre("gpu.example.com-reg.sock"));
  EXPECT_EQ(draSocketName(""), "dra.sock");
}

TEST(SocketNames, APodUidGivesTheThreeNamesOfTheGoHelper) {
  EXPECT_THAT(registrationSocketNames("gpu.example.com", kUid),
              ElementsAre("gpu.example.com-303b27ee-1111-2222-3333-444455556666-reg.sock",
                          "gpu.example.com-RwgukNf0l_c-reg.sock", "dra-mNX3vc-Voo6_CEqBxHgoHA-reg.sock"));
  EXPECT_EQ(draSocketName(kUid), "dra-303b27ee-1111-2222-3333-444455556666.sock");
}

TEST(SocketNames, TheFirstRegistrationNameThatFitsIsTaken) {
  // Names of 61, 36 and 35 bytes.
  auto nameIn = [](std::size_t length) {
    return socketPaths(directoryOf(length), "/p", "gpu.example.com", kUid)->registration.filename().native();
  };
  EXPECT_EQ(nameIn(107 - 1 - 61), "gpu.example.com-303b27ee-1111-2222-3333-444455556666-reg.sock");
  EXPECT_EQ(nameIn(107 - 1 - 60), "gpu.example.com-RwgukNf0l_c-reg.sock");
  EXPECT_EQ(nameIn(107 - 1 - 36), "gpu.example.com-RwgukNf0l_c-reg.sock");
  EXPECT_EQ(nameIn(107 - 1 - 35), "dra-mNX3vc-Voo6_CEqBxHgoHA-reg.sock");
}

TEST(SocketNames, ARegistryPathThatCannotFitNamesPathLengthAndFlag) {
  EXPECT_THAT(socketPaths(directoryOf(107 - 1 - 34), "/p", "gpu.example.com", kUid),
              Fails(Code::invalidArgument, AllOf(HasSubstr("dra-mNX3vc-Voo6_CEqBxHgoHA-reg.sock has 108 bytes"),
                                                 HasSubstr("--kubelet-registrar-directory-path"))));
}

TEST(SocketNames, APluginsPathThatCannotFitNamesPathLengthAndFlag) {
  // "/gpu.example.com/dra.sock" has 25 bytes.
  EXPECT_OK(socketPaths("/r", directoryOf(107 - 25), "gpu.example.com", ""));
  EXPECT_THAT(socketPaths("/r", directoryOf(107 - 24), "gpu.example.com", ""),
              Fails(Code::invalidArgument, AllOf(HasSubstr("/gpu.example.com/dra.sock has 108 bytes"),
                                                 HasSubstr("--kubelet-plugins-directory-path"))));
}

TEST(SocketNames, NamesCannotLeaveTheirDirectory) {
  EXPECT_THAT(socketPaths("/r", "/p", "../evil", ""), Fails(Code::invalidArgument, HasSubstr("'../evil'")));
  EXPECT_THAT(socketPaths("/r", "/p", "..", ""), Fails(Code::invalidArgument, HasSubstr("'..'")));
  EXPECT_THAT(socketPaths("/r", "/p", "gpu", "a/b"), Fails(Code::invalidArgument, HasSubstr("'a/b'")));
  EXPECT_THAT(socketPaths("/r", "/p", "", ""), Fails(Code::invalidArgument, HasSubstr("empty")));
}

TEST(SocketNames, ThePodOfARegistrationSocketIsOnlyReadFromOnesOfTheSameDriver) {
  EXPECT_EQ(podUidOfRegistrationSocket(std::string("gpu.example.com-") + kUid + "-reg.sock", "gpu.example.com"), kUid);
  for (const std::string& name :
       {std::string("gpu.example.com-reg.sock"), std::string("gpu.example.com-x-reg.sock"),
        std::string("gpu.example.com-x-") + kUid + "-reg.sock", std::string("other.example.com-") + kUid + "-reg.sock",
        std::string("gpu.example.com-") + kUid + ".sock", std::string()}) {
    EXPECT_EQ(podUidOfRegistrationSocket(name, "gpu.example.com"), "") << name;
  }
}

TEST(SocketNames, ThePodOfADraSocketIsReadFromTheSocketAndItsLock) {
  EXPECT_EQ(podUidOfDraSocket("dra-u-1.sock"), "u-1");
  EXPECT_EQ(podUidOfDraSocket("dra-u-1.sock.lock"), "u-1");
  for (const char* name : {"dra.sock", "dra.sock.lock", "dra-.sock", "dra-u-1", "serialize.lock", ""}) {
    EXPECT_EQ(podUidOfDraSocket(name), "") << name;
  }
}

TEST(SocketNames, AHiddenNameStartsWithADotAndIsNotLonger) {
  for (const std::string& name : {draSocketName(""), draSocketName(kUid)}) {
    EXPECT_TRUE(hiddenSocketName(name).starts_with("."));
    EXPECT_LE(hiddenSocketName(name).size(), name.size());
  }
  EXPECT_NE(hiddenSocketName("dra-a.sock"), hiddenSocketName("dra-b.sock"));
}

}  // namespace
}  // namespace simgpu::kubelet
