#include "kube/credentials.h"

#include <algorithm>

#include "kube/base64.h"

namespace simgpu::kube {
namespace {

/// client-go reads token files again after 60 s, with 10 s to spare.
constexpr std::chrono::seconds kMaxAge{50};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  auto begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

/// Whether the text can be the value of a header: no line breaks or other control characters.
bool fitsHeader(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Material tokenMaterial(const Config& config) {
  Material material;
  material.file = config.tokenFile;
  if (config.tokenFile.empty()) {
    material.inlineData = config.token;
  }
  return material;
}

}  // namespace

FollowedText::FollowedText(Material material, base::Files& files, base::Clock& clock, base::Logger log)
    : material_(std::move(material)), files_(files), clock_(clock), log_(std::move(log)), text_(material_.inlineData) {}

Status FollowedText::open() {
  return material_.file.empty() ? Status() : read();
}

const std::string& FollowedText::text() {
  if (!material_.file.empty() && (doubted_ || clock_.now() >= readAt_ + kMaxAge)) {
    if (auto status = read(); !status.ok()) {
      log_.error(status, "Cannot read a credential again, the old one stays in use");
    }
  }
  return text_;
}

bool FollowedText::doubt() {
  doubted_ = true;
  return !material_.file.empty();
}

Status FollowedText::read() {
  doubted_ = false;
  readAt_ = clock_.now();
  auto content = files_.read(material_.file);
  if (!content) {
    return content.error();
  }
  if (trimmed(*content).empty()) {
    return Status::failedPrecondition("{} is empty", material_.file.string());
  }
  text_ = *std::move(content);
  return {};
}

Credentials::Credentials(const Config& config, base::Clock& clock, base::Files& files, const base::Logger& log)
    : config_(config),
      authority_(config.certificateAuthority, files, clock, log),
      certificate_(config.clientCertificate, files, clock, log),
      key_(config.clientKey, files, clock, log),
      token_(tokenMaterial(config), files, clock, log) {}

Result<std::unique_ptr<Credentials>> Credentials::open(const Config& config, base::Clock& clock, base::Files& files,
                                                       ProcessRunner& runner, base::Logger log,
                                                       std::function<void()> ready) {
  std::unique_ptr<Credentials> credentials(new Credentials(config, clock, files, log));
  for (auto* text : {&credentials->authority_, &credentials->certificate_, &credentials->key_, &credentials->token_}) {
    if (auto status = text->open(); !status.ok()) {
      return unexpected(status.with("credentials of {}", config.origin));
    }
  }
  if (config.exec) {
    credentials->plugin_ = std::make_unique<ExecCredential>(
        *config.exec, execInfo(config, credentials->authority_.text()), runner, clock, std::move(ready));
  }
  return credentials;
}

std::optional<Result<Credentials::Current>> Credentials::current() {
  Identity identity;
  identity.authority = authority_.text();
  identity.certificate = certificate_.text();
  identity.key = key_.text();
  std::string token(trimmed(token_.text()));
  if (plugin_) {
    auto answer = plugin_->current();
    if (!answer) {
      return std::nullopt;
    }
    if (!answer->has_value()) {
      return unexpected(answer->error());
    }
    token = (*answer)->token;
    if (!(*answer)->certificate.empty()) {
      identity.certificate = (*answer)->certificate;
      identity.key = (*answer)->key;
    }
  }
  if (!token.empty()) {
    identity.authorization = "Bearer " + token;
  } else if (!config_.username.empty()) {
    identity.authorization = "Basic " + base64Encode(config_.username + ":" + config_.password);
  }
  if (!fitsHeader(identity.authorization)) {
    return unexpected(
        Status::failedPrecondition("the token of {} has characters that a token cannot have",
                                   config_.tokenFile.empty() ? config_.origin : config_.tokenFile.string()));
  }
  remember(std::move(identity));
  return last_;
}

bool Credentials::refused(std::uint64_t generation) {
  if (generation != last_.generation) {
    return true;
  }
  certificate_.doubt();
  key_.doubt();
  if (plugin_) {
    plugin_->refuse();
    return true;
  }
  if (token_.doubt()) {
    return true;
  }
  auto now = current();
  return now && now->has_value() && last_.generation != generation;
}

bool Credentials::distrusted(std::uint64_t generation) {
  if (generation == last_.generation) {
    authority_.doubt();
    certificate_.doubt();
    key_.doubt();
    current();
  }
  return generation != last_.generation;
}

void Credentials::remember(Identity identity) {
  if (last_.generation == 0 || identity != last_.identity) {
    last_ = {std::move(identity), last_.generation + 1};
  }
}

}  // namespace simgpu::kube
