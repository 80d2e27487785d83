// Files, locks and leftovers of the two sockets.
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "kubelet/socket_names.h"
#include "kubelet/unix_socket.h"
#include "plugin_fixture.h"

namespace simgpu::kubelet {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class SocketsTest : public PluginTest {
 protected:
  SocketsTest() {
    EXPECT_OK(files_.createDirectories(registry(), 0750));
    EXPECT_OK(files_.createDirectories(pluginDirectory(), 0750));
  }

  /// A socket as a process that does not know our lock binds it.
  static FileDescriptor listenOn(const std::filesystem::path& path) {
    FileDescriptor descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    EXPECT_EQ(::bind(descriptor.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0) << path;
    EXPECT_EQ(::listen(descriptor.get(), 1), 0);
    return descriptor;
  }

  /// What a process leaves behind that was killed an hour ago.
  static void leaveDeadSocket(const std::filesystem::path& path) {
    listenOn(path);
    makeOld(path);
  }

  static void makeOld(const std::filesystem::path& path) {
    timespec times[2]{{.tv_sec = ::time(nullptr) - 3600, .tv_nsec = 0},
                      {.tv_sec = ::time(nullptr) - 3600, .tv_nsec = 0}};
    EXPECT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }

  std::vector<std::string> namesIn(const std::filesystem::path& directory) { return files_.list(directory).value(); }

  mode_t modeOf(const std::filesystem::path& path) { return files_.info(path)->mode; }
};

TEST_F(SocketsTest, BothAreForTheOwnerOnlyAndDirectoriesForTheGroup) {
  std::filesystem::remove_all(registry());
  std::filesystem::remove_all(directory_.path() / "plugins");
  auto plugin = start();
  ASSERT_OK(plugin);
  EXPECT_EQ((*plugin)->registrationSocket(), registry() / "gpu.example.com-reg.sock");
  EXPECT_EQ((*plugin)->draSocket(), pluginDirectory() / "dra.sock");
  EXPECT_EQ(modeOf((*plugin)->registrationSocket()), 0600U);
  EXPECT_EQ(modeOf((*plugin)->draSocket()), 0600U);
  EXPECT_EQ(modeOf(registry()), 0750U);
  EXPECT_EQ(modeOf(pluginDirectory()), 0750U);
  EXPECT_THAT(namesIn(registry()), ElementsAre("gpu.example.com-reg.sock"));
  EXPECT_THAT(namesIn(pluginDirectory()), ElementsAre("dra.sock", "dra.sock.lock"));
}

TEST_F(SocketsTest, NothingIsLeftAfterTheEnd) {
  ASSERT_OK(start());
  ASSERT_OK(start(options(kPod)));
  EXPECT_THAT(namesIn(registry()), IsEmpty());
  EXPECT_THAT(namesIn(pluginDirectory()), IsEmpty());
}

TEST_F(SocketsTest, ASecondInstanceOfTheSameNamesIsRefusedAndDoesNotHurtTheFirst) {
  auto first = start();
  ASSERT_OK(first);
  EXPECT_THAT(start(), Fails(Code::failedPrecondition,
                             AllOf(HasSubstr((*first)->draSocket().native()), HasSubstr("dra.sock.lock"),
                                   HasSubstr(fmt::format("process {} on ", ::getpid())))));
  EXPECT_TRUE(connectUnix((*first)->registrationSocket()));
  EXPECT_TRUE(connectUnix((*first)->draSocket()));
}

TEST_F(SocketsTest, APluginOfAnotherProcessIsNotReplaced) {
  int ready[2];
  ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
  pid_t child = ::fork();
  if (child == 0) {
    // Only what is safe in a child of a threaded process: a lock and two sockets, as a plugin has them.
    auto dra = listenOn(pluginDirectory() / "dra.sock");
    auto registration = listenOn(registry() / "gpu.example.com-reg.sock");
    (void)!::write(ready[1], "x", 1);
    ::pause();
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);

  EXPECT_THAT(start(), Fails(Code::failedPrecondition, AllOf(HasSubstr("gpu.example.com-reg.sock"),
                                                             HasSubstr(fmt::format("process {};", child)))));
  EXPECT_TRUE(connectUnix(pluginDirectory() / "dra.sock"));

  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
  EXPECT_OK(start()) << "a dead process does not stand in the way";
}

TEST_F(SocketsTest, SomethingThatIsNoSocketIsNotReplaced) {
  ASSERT_OK(files_.write(registry() / "gpu.example.com-reg.sock", "precious", 0600));
  EXPECT_THAT(start(), Fails(Code::failedPrecondition, HasSubstr("gpu.example.com-reg.sock is in the way")));
  EXPECT_EQ(files_.read(registry() / "gpu.example.com-reg.sock"), "precious");
}

TEST_F(SocketsTest, StaleSocketsOfTheSameNamesAreReplacedWhateverTheirAge) {
  listenOn(registry() / "gpu.example.com-reg.sock");
  listenOn(pluginDirectory() / "dra.sock");
  auto plugin = start();
  ASSERT_OK(plugin);
  EXPECT_TRUE(connectUnix((*plugin)->registrationSocket()));
  EXPECT_TRUE(connectUnix((*plugin)->draSocket()));
}

TEST_F(SocketsTest, SocketsOfDeadPodsAreRemovedInEveryForm) {
  for (const std::string& name : registrationSocketNames(kDriver, kOtherPod)) {
    leaveDeadSocket(registry() / name);
  }
  leaveDeadSocket(pluginDirectory() / draSocketName(kOtherPod));
  leaveDeadSocket(registry() / "gpu.example.com-reg.sock");
  leaveDeadSocket(pluginDirectory() / "dra.sock");
  auto plugin = start(options(kPod));
  ASSERT_OK(plugin);
  EXPECT_THAT(namesIn(registry()), ElementsAre((*plugin)->registrationSocket().filename().native()));
  EXPECT_THAT(namesIn(pluginDirectory()), ElementsAre(draSocketName(kPod), draSocketName(kPod) + ".lock"));
  EXPECT_EQ(logged.count("Removed a socket that nobody listens on"), 6U);
}

TEST_F(SocketsTest, ARegistrationSocketOfADeadPodGoesWithoutItsDraSocket) {
  leaveDeadSocket(registry() / registrationSocketNames(kDriver, kOtherPod).front());
  auto plugin = start();
  ASSERT_OK(plugin);
  EXPECT_THAT(namesIn(registry()), ElementsAre("gpu.example.com-reg.sock"));
}

TEST_F(SocketsTest, ACrashedPodOfOursIsRecognisedByItsLockHoweverYoung) {
  listenOn(pluginDirectory() / draSocketName(kOtherPod));
  ASSERT_OK(files_.write(pluginDirectory() / (draSocketName(kOtherPod) + ".lock"), "process 1 on gone", 0600));
  auto plugin = start();
  ASSERT_OK(plugin);
  EXPECT_THAT(namesIn(pluginDirectory()), ElementsAre("dra.sock", "dra.sock.lock"));
}

TEST_F(SocketsTest, ASocketWithoutALockMayBelongToAStartingDriverAndStaysWhileYoung) {
  listenOn(pluginDirectory() / draSocketName(kOtherPod));
  auto plugin = start();
  ASSERT_OK(plugin);
  EXPECT_TRUE(files_.info(pluginDirectory() / draSocketName(kOtherPod)));
}

TEST_F(SocketsTest, SocketsThatSomebodyListensOnStay) {
  auto path = pluginDirectory() / draSocketName(kOtherPod);
  auto alive = listenOn(path);
  makeOld(path);
  auto registration = registry() / registrationSocketNames(kDriver, kOtherPod).front();
  leaveDeadSocket(registration);
  auto plugin = start(options(kPod));
  ASSERT_OK(plugin);
  EXPECT_TRUE(connectUnix(path));
  EXPECT_TRUE(files_.info(registration)) << "half of a pair that is alive";
}

TEST_F(SocketsTest, SocketsWhoseLockIsHeldStay) {
  auto path = pluginDirectory() / draSocketName(kOtherPod);
  leaveDeadSocket(path);
  auto lock = files_.lock(lockOfSocket(path), 0600, base::Files::Wait::tryOnce);
  ASSERT_OK(lock);
  auto plugin = start(options(kPod));
  ASSERT_OK(plugin);
  EXPECT_TRUE(files_.info(path));
}

TEST_F(SocketsTest, SocketsOfOtherDriversStay) {
  std::vector<std::string> others{"gpu.example.com-x-reg.sock",
                                  std::string("gpu.example.com-x-") + kOtherPod + "-reg.sock",
                                  "gpu.example.co-reg.sock",
                                  "other.example.com-reg.sock",
                                  std::string("other.example.com-") + kOtherPod + "-reg.sock",
                                  registrationSocketNames("gpu.example.com-x", kOtherPod).back(),
                                  "csi-reg.sock"};
  for (const std::string& name : others) {
    leaveDeadSocket(registry() / name);
  }
  leaveDeadSocket(pluginDirectory() / "unrelated.sock");
  {
    auto plugin = start(options(kPod));
    ASSERT_OK(plugin);
  }
  EXPECT_THAT(namesIn(registry()), testing::UnorderedElementsAreArray(others));
  EXPECT_THAT(namesIn(pluginDirectory()), ElementsAre("unrelated.sock"));
}

TEST_F(SocketsTest, TwoPodsOfOneDriverServeSideBySide) {
  auto old = start(options(kPod));
  ASSERT_OK(old);
  auto young = start(options(kOtherPod));
  ASSERT_OK(young);
  EXPECT_TRUE(connectUnix((*old)->draSocket()));
  auto left = (*young)->draSocket();
  old->reset();
  EXPECT_TRUE(connectUnix(left));
  EXPECT_TRUE(connectUnix((*young)->registrationSocket()));
}

TEST_F(SocketsTest, ASocketThatReplacedOursIsNotRemoved) {
  auto plugin = start();
  ASSERT_OK(plugin);
  std::vector<std::filesystem::path> paths{(*plugin)->registrationSocket(), (*plugin)->draSocket()};
  std::vector<FileDescriptor> strangers;
  for (const auto& path : paths) {
    ASSERT_OK(files_.remove(path));
    strangers.push_back(listenOn(path));
  }
  plugin->reset();
  for (const auto& path : paths) {
    EXPECT_TRUE(connectUnix(path)) << path;
  }
}

TEST_F(SocketsTest, AnEarlierHiddenSocketIsReplaced) {
  listenOn(registry() / hiddenSocketName("gpu.example.com-reg.sock"));
  auto plugin = start();
  ASSERT_OK(plugin);
  EXPECT_THAT(namesIn(registry()), ElementsAre("gpu.example.com-reg.sock"));
}

TEST_F(SocketsTest, ASocketPathOfExactlyTheLimitIsServed) {
  auto with = options();
  with.registryDirectory /= std::string(107 - 1 - registry().native().size() - 1 - 24, 'r');
  auto plugin = start(with);
  ASSERT_OK(plugin);
  EXPECT_EQ((*plugin)->registrationSocket().native().size(), 107U);
  EXPECT_TRUE(connectUnix((*plugin)->registrationSocket()));
}

TEST_F(SocketsTest, ATooLongPathIsRefusedBeforeAnythingIsCreated) {
  auto with = options();
  with.registryDirectory /= std::string(107 - 1 - registry().native().size() - 24, 'r');
  EXPECT_THAT(start(with), Fails(Code::invalidArgument, HasSubstr("--kubelet-registrar-directory-path")));
  EXPECT_FALSE(files_.info(with.registryDirectory));
}

TEST_F(SocketsTest, ADirectoryThatCannotBeCreatedIsNamed) {
  auto with = options();
  with.pluginsDirectory = directory_.path() / "file";
  ASSERT_OK(files_.write(with.pluginsDirectory, "", 0600));
  Status failure = statusOf(start(with));
  EXPECT_FALSE(failure);
  EXPECT_THAT(failure.message(), HasSubstr((with.pluginsDirectory / kDriver).native()));
}

TEST_F(SocketsTest, RelativeDirectoriesAreServedUnderAbsolutePaths) {
  auto with = options();
  with.registryDirectory = std::filesystem::relative(registry());
  with.pluginsDirectory = std::filesystem::relative(directory_.path() / "plugins");
  auto plugin = start(with);
  ASSERT_OK(plugin);
  EXPECT_EQ((*plugin)->registrationSocket(), registry() / "gpu.example.com-reg.sock");
  EXPECT_EQ((*plugin)->draSocket(), pluginDirectory() / "dra.sock");
}

}  // namespace
}  // namespace simgpu::kubelet
