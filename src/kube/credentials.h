#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "kube/exec_credential.h"
#include "kube/process.h"
#include "simgpu/base/clock.h"
#include "simgpu/base/files.h"
#include "simgpu/base/log.h"
#include "simgpu/base/result.h"
#include "simgpu/kube/config.h"

namespace simgpu::kube {

/// What a connection and a request show to the API server, and whom they trust.
struct Identity {
  std::string authorization;  ///< Value of the header; empty: none.
  std::string certificate;    ///< PEM, with `key`; empty: none.
  std::string key;
  std::string authority;  ///< PEM; empty: the system's.

  bool operator==(const Identity&) const = default;
};

/// Text that comes from a file and follows it: read again when it is a minute old or in doubt. If that fails, the text
/// stays as it was.
class FollowedText {
 public:
  FollowedText(Material material, base::Files& files, base::Clock& clock, base::Logger log);

  /// Reads the file for the first time. An empty file is a failure.
  Status open();

  /// The text, read again if that is due.
  const std::string& text();

  /// Reads again the next time. False if there is no file to read.
  bool doubt();

 private:
  Status read();

  Material material_;
  base::Files& files_;
  base::Clock& clock_;
  base::Logger log_;
  std::string text_;
  base::Clock::TimePoint readAt_{};
  bool doubted_ = false;
};

/// All that a Config says about who we are and whom we trust, kept up to date. Used by one thread.
class Credentials {
 public:
  /// Fails if a file that `config` names cannot be read. `ready` is called from another thread when a plugin that
  /// `current()` waits for has ended.
  static Result<std::unique_ptr<Credentials>> open(const Config& config, base::Clock& clock, base::Files& files,
                                                   ProcessRunner& runner, base::Logger log,
                                                   std::function<void()> ready);

  struct Current {
    Identity identity;
    std::uint64_t generation = 0;  ///< Grows when the identity changes.
  };

  /// The identity to use now, or why there is none; nullopt while a plugin runs. Reads small files at most.
  std::optional<Result<Current>> current();

  /// The server answered 401 to an identity of this generation. Whether a repetition may show something else.
  bool refused(std::uint64_t generation);

  /// TLS failed with an identity of this generation. Whether a repetition will use other certificates.
  bool distrusted(std::uint64_t generation);

 private:
  Credentials(const Config& config, base::Clock& clock, base::Files& files, const base::Logger& log);

  /// Remembers the identity, with a new generation if it is another one.
  void remember(Identity identity);

  const Config config_;
  FollowedText authority_;
  FollowedText certificate_;
  FollowedText key_;
  FollowedText token_;
  Current last_;
  std::unique_ptr<ExecCredential> plugin_;
};

}  // namespace simgpu::kube
