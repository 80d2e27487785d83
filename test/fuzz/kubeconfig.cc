// Kubeconfig files.
#include "fakes/fake_files.h"
#include "fuzz/fuzz.h"
#include "simgpu/kube/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace simgpu;
  using fuzz::check;

  fakes::FakeFiles files;
  files.put("/etc/kube/config", std::string(fuzz::textOf(data, size)));
  auto config = kube::kubeconfig(files, "/etc/kube/config");
  if (!config) {
    check(config.error().code() == Code::invalidArgument, "a bad kubeconfig is an invalid argument");
    check(config.error().message().starts_with("kubeconfig /etc/kube/config: "), "errors name the file");
    return 0;
  }
  check(config->server.starts_with("http://") || config->server.starts_with("https://"), "there is a server");
  check(config->clientCertificate.empty() == config->clientKey.empty(), "a certificate has its key");
  check(!config->exec || !config->exec->command.empty(), "a credential plugin has a command");
  return 0;
}
