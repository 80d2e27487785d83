#include "simgpu/app/run.h"

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdio>
#include <functional>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include "app/check_injection.h"
#include "app/controller.h"
#include "app/flags.h"
#include "app/kubelet_plugin.h"
#include "app/webhook.h"

namespace simgpu::app {
namespace {

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

Environment readEnvironment() {
  Environment environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string_view text = *entry;
    std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) {
      environment.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return environment;
}

int print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return 0;
}

/// Prints one line, whatever a flag's value contained.
int fail(const Status& status, int code) {
  std::string line = status.message();
  std::ranges::replace_if(line, [](unsigned char c) { return std::iscntrl(c) != 0; }, ' ');
  std::fprintf(stderr, "Error: %s\n", line.c_str());
  return code;
}

/// Every thread inherits this, so that only `sigwait` in the main thread takes them. A peer that closes a socket is an
/// error of that write, not the end of the program.
void takeSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGHUP, SIGINT, SIGTERM, SIGQUIT}) {
    sigaddset(&signals, signal);
  }
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

int checkAndRun(const Status& valid, const std::function<Status()>& program) {
  if (!valid) {
    return fail(valid, kWrongUsage);
  }
  takeSignals();
  Status ran = program();
  return ran ? 0 : fail(ran, kFailed);
}

}  // namespace

int run(int argc, char** argv) {
  umask(0077);  // no socket is ever open to others, not even between bind and chmod
  Environment environment = readEnvironment();
  KubeletPluginFlags plugin;
  WebhookFlags webhook;
  ControllerFlags controller;
  const Subcommand injection = checkInjectionSubcommand();
  const Subcommand webhookCommand = webhookSubcommand(webhook);
  const Subcommand controllerCommand = controllerSubcommand(controller);
  auto parsed = parseCommandLine({argv, argv + argc}, environment,
                                 {kubeletPluginSubcommand(plugin), webhookCommand, controllerCommand, injection});
  if (!parsed) {
    return fail(parsed.error(), kWrongUsage);
  }
  if (parsed->subcommand.empty()) {
    return print(parsed->print);
  }
  if (parsed->subcommand == injection.name) {
    auto devices = checkInjection(environment);
    return devices ? print(*devices) : fail(devices.error(), kFailed);
  }
  if (parsed->subcommand == webhookCommand.name) {
    return checkAndRun(validate(webhook), [&] { return runWebhook(webhook); });
  }
  if (parsed->subcommand == controllerCommand.name) {
    return checkAndRun(validate(controller), [&] { return runController(controller, environment); });
  }
  return checkAndRun(validate(plugin), [&] { return runKubeletPlugin(plugin, environment); });
}

}  // namespace simgpu::app
