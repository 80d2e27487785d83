#include <gmock/gmock.h>

#include "plugin_fixture.h"

namespace simgpu::kubelet {
namespace {

using pluginregistration::InfoRequest;
using pluginregistration::PluginInfo;
using pluginregistration::Registration;
using pluginregistration::RegistrationStatus;
using pluginregistration::RegistrationStatusResponse;
using testing::ElementsAre;

/// What grpc-go sends as `:authority` for a bare path.
std::string percentEncoded(const std::string& path) {
  std::string out;
  for (char c : path) {
    out += c == '/' ? std::string("%2F") : std::string(1, c);
  }
  return out;
}

class RegistrationTest : public PluginTest {
 protected:
  RegistrationTest() {
    registered = [this] { ++registrations; };
  }

  void serve() {
    auto started = start();
    ASSERT_OK(started);
    plugin = std::move(*started);
  }

  grpc::Status getInfo(PluginInfo& info, const grpc::ChannelArguments& arguments = {}) {
    Call call;
    return Registration::NewStub(dial(plugin->registrationSocket(), arguments))->GetInfo(&call, InfoRequest(), &info);
  }

  grpc::Status notify(bool ok, const std::string& error = "") {
    Call call;
    RegistrationStatus status;
    status.set_plugin_registered(ok);
    status.set_error(error);
    RegistrationStatusResponse response;
    return Registration::NewStub(dial(plugin->registrationSocket()))
        ->NotifyRegistrationStatus(&call, status, &response);
  }

  std::atomic<int> registrations = 0;
  std::unique_ptr<Plugin> plugin;
};

TEST_F(RegistrationTest, InfoNamesTheDriverTheEndpointAndTheNewestServicesFirst) {
  serve();
  PluginInfo info;
  ASSERT_TRUE(getInfo(info).ok());
  EXPECT_EQ(info.type(), "DRAPlugin");
  EXPECT_EQ(info.name(), "gpu.example.com");
  EXPECT_EQ(info.endpoint(), plugin->draSocket().native());
  EXPECT_THAT(info.supported_versions(),
              ElementsAre("v1.DRAPlugin", "v1beta1.DRAPlugin", "v1.DRAResourceHealth", "v1alpha1.DRAResourceHealth"));
}

TEST_F(RegistrationTest, APercentEncodedAuthorityIsServed) {
  serve();
  grpc::ChannelArguments arguments;
  arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, percentEncoded(plugin->registrationSocket().native()));
  PluginInfo info;
  grpc::Status status = getInfo(info, arguments);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(info.name(), "gpu.example.com");
}

TEST_F(RegistrationTest, APercentEncodedAuthorityIsServedOnTheDraSocketToo) {
  serve();
  grpc::ChannelArguments arguments;
  arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, percentEncoded(plugin->draSocket().native()));
  Call call;
  dra::v1beta1::NodePrepareResourcesResponse response;
  EXPECT_TRUE(dra::v1beta1::DRAPlugin::NewStub(dial(plugin->draSocket(), arguments))
                  ->NodePrepareResources(&call, {}, &response)
                  .ok());
}

TEST_F(RegistrationTest, EverySuccessfulRegistrationIsReported) {
  serve();
  EXPECT_TRUE(notify(true).ok());
  EXPECT_EQ(registrations, 1);
  EXPECT_TRUE(notify(true).ok()) << "the kubelet was restarted";
  EXPECT_EQ(registrations, 2);
}

TEST_F(RegistrationTest, ARefusalIsLoggedAndAnsweredOk) {
  serve();
  EXPECT_TRUE(notify(false, "no handler registered for plugin type").ok());
  EXPECT_EQ(registrations, 0);
  EXPECT_EQ(logged.count("no handler registered for plugin type"), 1U);
}

TEST_F(RegistrationTest, AFailureToActOnARegistrationIsLoggedAndAnsweredOk) {
  registered = [] { throw std::runtime_error("out of cheese"); };
  serve();
  EXPECT_TRUE(notify(true).ok());
  EXPECT_EQ(logged.count("out of cheese"), 1U);
}

TEST_F(RegistrationTest, TheDraSocketIsServedBeforeTheRegistrationSocketAppears) {
  // A file system that looks at the DRA socket when the registration socket is shown.
  struct Watching final : base::Files {
    base::PosixFiles real;
    std::function<void(const std::filesystem::path&)> shown;
    Result<std::string> read(const std::filesystem::path& file) override { return real.read(file); }
    Result<std::vector<std::string>> list(const std::filesystem::path& path) override { return real.list(path); }
    Result<base::FileInfo> info(const std::filesystem::path& path) override { return real.info(path); }
    Status createDirectories(const std::filesystem::path& path, mode_t mode) override {
      return real.createDirectories(path, mode);
    }
    Status write(const std::filesystem::path& file, std::string_view content, mode_t mode) override {
      return real.write(file, content, mode);
    }
    Result<std::unique_ptr<base::UnnamedFile>> writeUnnamed(const std::filesystem::path& directory,
                                                            std::string_view content, mode_t mode) override {
      return real.writeUnnamed(directory, content, mode);
    }
    Status rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
      if (to.native().ends_with("-reg.sock")) {
        shown(to);
      }
      return real.rename(from, to);
    }
    Status remove(const std::filesystem::path& path) override { return real.remove(path); }
    Status syncDirectory(const std::filesystem::path& path) override { return real.syncDirectory(path); }
    Result<std::unique_ptr<base::FileLock>> lock(const std::filesystem::path& file, mode_t mode, Wait wait) override {
      return real.lock(file, mode, wait);
    }
  } watching;
  int looked = 0;
  watching.shown = [&](const std::filesystem::path&) {
    ++looked;
    Call call;
    dra::v1::NodePrepareResourcesResponse response;
    EXPECT_TRUE(dra::v1::DRAPlugin::NewStub(dial(pluginDirectory() / "dra.sock"))
                    ->NodePrepareResources(&call, {}, &response)
                    .ok());
  };
  PluginCallbacks callbacks;
  callbacks.devices = devices;
  ASSERT_OK(Plugin::start(options(), claims, callbacks, systemClock_, watching, metrics, log()));
  EXPECT_EQ(looked, 1);
}

}  // namespace
}  // namespace simgpu::kubelet
