// What the credential plugin of a kubeconfig prints.
#include "kube/exec_credential.h"

#include <nlohmann/json.hpp>

#include "fuzz/fuzz.h"
#include "simgpu/kube/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace simgpu;
  using fuzz::check;

  const std::string output(fuzz::textOf(data, size));
  auto answer = kube::pluginAnswerFrom(output, "client.authentication.k8s.io/v1");
  if (answer) {
    check(!answer->token.empty() || !answer->certificate.empty(), "there is something to show");
    check(answer->certificate.empty() == answer->key.empty(), "a certificate has its key");
    return 0;
  }
  check(answer.error().code() == Code::unavailable, "a wrong answer may be right the next time");
  // Whatever else is wrong with the output, it may hold a secret.
  constexpr std::string_view kToken = "s3cr3t-t0k3n";
  check(answer.error().message().find(kToken) == std::string::npos, "no message shows a token");
  return 0;
}
