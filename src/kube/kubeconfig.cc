#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "kube/base64.h"
#include "simgpu/kube/config.h"

namespace simgpu::kube {
namespace {

namespace fs = std::filesystem;

/// A mapping in the file, with the names of its fields for messages. Absent and null fields are empty. The first thing
/// that is wrong goes into `failure`, which all sections of a file share.
class Section {
 public:
  Section(YAML::Node node, std::string path, Status& failure)
      : node_(std::move(node)), path_(std::move(path)), failure_(failure) {
    if (node_ && !node_.IsNull() && !node_.IsMap()) {
      fail("", "expected a mapping");
      node_.reset();
    }
  }

  bool has(const char* key) const { return !isAbsent(get(key)); }

  std::string text(const char* key) const {
    auto value = get(key);
    if (isAbsent(value)) {
      return {};
    }
    if (!value.IsScalar()) {
      fail(key, "expected text");
      return {};
    }
    return value.Scalar();
  }

  bool flag(const char* key) const {
    auto word = text(key);
    if (!word.empty() && word != "true" && word != "false") {
      fail(key, fmt::format("expected true or false, found \"{}\"", word));
    }
    return word == "true";
  }

  /// Inline data in base64, decoded.
  std::string data(const char* key) const {
    auto decoded = base64Decode(text(key));
    if (!decoded) {
      fail(key, "not valid base64");
      return {};
    }
    return *std::move(decoded);
  }

  std::vector<std::string> texts(const char* key) const {
    std::vector<std::string> result;
    for (const auto& element : list(key)) {
      if (element.IsScalar()) {
        result.push_back(element.Scalar());
      } else {
        fail(key, "expected a list of texts");
      }
    }
    return result;
  }

  std::vector<YAML::Node> list(const char* key) const {
    auto value = get(key);
    std::vector<YAML::Node> result;
    if (isAbsent(value)) {
      return result;
    }
    if (!value.IsSequence()) {
      fail(key, "expected a list");
      return result;
    }
    for (std::size_t i = 0; i < value.size(); ++i) {
      result.push_back(value[i]);
    }
    return result;
  }

  Section section(const char* key) const { return {get(key), join(key), failure_}; }

  void fail(std::string_view key, std::string_view reason) const {
    if (failure_.ok()) {
      failure_ = Status::invalidArgument("{}: {}", join(key), reason);
    }
  }

 private:
  YAML::Node get(const char* key) const {
    const YAML::Node& map = node_;
    return map && map.IsMap() ? YAML::Node(map[key]) : YAML::Node();
  }

  static bool isAbsent(const YAML::Node& node) { return !node.IsDefined() || node.IsNull(); }

  std::string join(std::string_view key) const {
    return path_.empty() || key.empty() ? path_ + std::string(key) : fmt::format("{}.{}", path_, key);
  }

  YAML::Node node_;
  std::string path_;
  Status& failure_;
};

/// The entry of `clusters`, `contexts` or `users` with this name, for example `users[admin].user`.
Section entryOf(const Section& root, const char* list, const char* kind, const std::string& name,
                std::string_view namedBy, Status& failure) {
  for (const auto& node : root.list(list)) {
    Section entry(node, list, failure);
    if (entry.text("name") == name) {
      return {node[kind], fmt::format("{}[{}].{}", list, name, kind), failure};
    }
  }
  root.fail(list, fmt::format("no {} \"{}\", which {} names", kind, name, namedBy));
  return {YAML::Node(), list, failure};
}

fs::path resolve(const fs::path& directory, const std::string& path) {
  return path.empty() || fs::path(path).is_absolute() ? fs::path(path) : directory / path;
}

Material materialFrom(const Section& section, const char* fileKey, const char* dataKey, const fs::path& directory) {
  Material material;
  material.inlineData = section.data(dataKey);
  if (material.inlineData.empty()) {
    material.file = resolve(directory, section.text(fileKey));
  }
  return material;
}

void clusterInto(const Section& cluster, const fs::path& directory, Config& config) {
  config.server = cluster.text("server");
  while (config.server.ends_with('/')) {
    config.server.pop_back();
  }
  if (!config.server.starts_with("https://") && !config.server.starts_with("http://")) {
    cluster.fail("server", fmt::format("expected https://host:port, found \"{}\"", config.server));
  }
  if (config.server.find_first_of("@?# ") != std::string::npos) {
    cluster.fail("server", "expected https://host:port without a user, a query or blanks");
  }
  config.tlsServerName = cluster.text("tls-server-name");
  config.insecureSkipTlsVerify = cluster.flag("insecure-skip-tls-verify");
  config.certificateAuthority = materialFrom(cluster, "certificate-authority", "certificate-authority-data", directory);
  config.proxyUrl = cluster.text("proxy-url");
  if (config.insecureSkipTlsVerify && !config.certificateAuthority.empty()) {
    cluster.fail("insecure-skip-tls-verify", "not allowed together with a certificate authority");
  }
}

ExecPlugin execFrom(const Section& exec, const fs::path& directory, Status& failure) {
  ExecPlugin plugin;
  plugin.command = exec.text("command");
  if (plugin.command.empty()) {
    exec.fail("command", "missing");
  }
  if (plugin.command.find('/') != std::string::npos) {
    plugin.command = resolve(directory, plugin.command).string();
  }
  plugin.args = exec.texts("args");
  for (const auto& node : exec.list("env")) {
    Section variable(node, "users.user.exec.env", failure);
    plugin.env.emplace_back(variable.text("name"), variable.text("value"));
  }
  plugin.installHint = exec.text("installHint");
  plugin.provideClusterInfo = exec.flag("provideClusterInfo");
  plugin.apiVersion = exec.text("apiVersion");
  bool v1 = plugin.apiVersion == "client.authentication.k8s.io/v1";
  if (!v1 && plugin.apiVersion != "client.authentication.k8s.io/v1beta1") {
    exec.fail("apiVersion", fmt::format("\"{}\" is not supported: expected client.authentication.k8s.io/v1 or "
                                        "client.authentication.k8s.io/v1beta1",
                                        plugin.apiVersion));
  }
  auto mode = exec.text("interactiveMode");
  if (mode == "Always") {
    exec.fail("interactiveMode", "Always is not supported: this program has no terminal for the plugin");
  } else if ((mode.empty() && v1) || (!mode.empty() && mode != "Never" && mode != "IfAvailable")) {
    exec.fail("interactiveMode", fmt::format("expected Never or IfAvailable, found \"{}\"", mode));
  }
  return plugin;
}

void userInto(const Section& user, const fs::path& directory, Config& config, Status& failure) {
  for (const char* key : {"as", "as-uid", "as-groups", "as-user-extra"}) {
    if (user.has(key)) {
      user.fail(key, "impersonation is not supported");
    }
  }
  if (user.has("auth-provider")) {
    user.fail("auth-provider", "not supported: use exec");
  }
  config.clientCertificate = materialFrom(user, "client-certificate", "client-certificate-data", directory);
  config.clientKey = materialFrom(user, "client-key", "client-key-data", directory);
  if (config.clientCertificate.empty() != config.clientKey.empty()) {
    user.fail("", "client-certificate and client-key must be given together");
  }
  config.tokenFile = resolve(directory, user.text("tokenFile"));
  config.token = user.text("token");
  config.username = user.text("username");
  config.password = user.text("password");
  bool hasToken = !config.token.empty() || !config.tokenFile.empty();
  if (hasToken && !config.username.empty()) {
    user.fail("username", "not allowed together with a token");
  }
  if (user.has("exec")) {
    config.exec = execFrom(user.section("exec"), directory, failure);
    if (hasToken || !config.username.empty()) {
      user.fail("exec", "not allowed together with a token or a username");
    }
  }
}

Result<Config> parse(const std::string& text, const fs::path& file) {
  Status failure;
  std::error_code ignored;
  const auto directory = fs::absolute(file, ignored).parent_path();
  const Section root(YAML::Load(text), "", failure);
  Config config;
  config.origin = file.string();
  auto contextName = root.text("current-context");
  if (contextName.empty()) {
    root.fail("current-context", "missing: it must name the context to use");
    return unexpected(failure);
  }
  const auto context = entryOf(root, "contexts", "context", contextName, "current-context", failure);
  const auto namedBy = fmt::format("context \"{}\"", contextName);
  if (failure.ok()) {
    clusterInto(entryOf(root, "clusters", "cluster", context.text("cluster"), namedBy, failure), directory, config);
  }
  if (auto user = context.text("user"); failure.ok() && !user.empty()) {
    userInto(entryOf(root, "users", "user", user, namedBy, failure), directory, config, failure);
  }
  if (!failure.ok()) {
    return unexpected(failure);
  }
  return config;
}

/// Without the name of the library in front.
std::string_view reasonOf(const YAML::Exception& exception) {
  std::string_view what = exception.what();
  constexpr std::string_view kPrefix = "yaml-cpp: ";
  return what.starts_with(kPrefix) ? what.substr(kPrefix.size()) : what;
}

}  // namespace

Result<Config> kubeconfig(base::Files& files, const std::filesystem::path& file) {
  auto text = files.read(file);
  if (!text) {
    return unexpected(text.error().with("kubeconfig"));
  }
  try {
    auto config = parse(*text, file);
    if (!config) {
      return unexpected(config.error().with("kubeconfig {}", file.string()));
    }
    return config;
  } catch (const YAML::Exception& e) {
    return unexpected(Status::invalidArgument("kubeconfig {}: {}", file.string(), reasonOf(e)));
  }
}

}  // namespace simgpu::kube
