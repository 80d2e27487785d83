#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "simgpu/base/result.h"

namespace simgpu::app {

/// One flag of a subcommand, and the environment variable that stands in for it.
struct Flag {
  std::string name;         ///< Without dashes.
  std::string environment;  ///< Empty: none.
  std::string help;
  std::string defaultText;  ///< For the help; empty: none.
  bool boolean = false;     ///< `--flag` alone means true.
  std::function<Status(std::string_view)> set;
  bool repeatable = false;  ///< `set` gets all values that were given, one a line. Otherwise the last one counts.
};

struct Subcommand {
  std::string name;
  std::string help;
  std::vector<Flag> flags;
};

using Environment = std::map<std::string, std::string>;

/// What came of a command line.
struct ParsedCommandLine {
  std::string subcommand;  ///< Whose flags have been set; empty if there is only something to print.
  std::string print;       ///< Help or version, for standard output.
};

/// Sets the flags that the arguments, or else the environment, give. Accepts one or two dashes before a long name, as
/// Go programs do. The message of a failure is one line: the flag, the value, and what is allowed.
Result<ParsedCommandLine> parseCommandLine(std::vector<std::string> arguments, const Environment& environment,
                                           const std::vector<Subcommand>& subcommands);

// Setters for `Flag::set`; messages start with "expected".
std::function<Status(std::string_view)> setText(std::string& target);
std::function<Status(std::string_view)> setBoolean(bool& target);
std::function<Status(std::string_view)> setInteger(std::int64_t& target, std::int64_t lowest, std::int64_t highest);
std::function<Status(std::string_view)> setNumber(double& target);

/// A TCP port, or a negative number, which stands for none and becomes -1.
std::function<Status(std::string_view)> setPort(std::int64_t& target);

/// A DNS subdomain as Kubernetes checks it (RFC 1123).
bool isDnsSubdomain(std::string_view name, std::size_t longest);

/// What is wrong with the value of `--driver-name`; empty means that of the profile.
Status checkDriverName(std::string_view name);

}  // namespace simgpu::app
