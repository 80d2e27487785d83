// The only file that includes CLI11, which takes seconds to compile.

#include <algorithm>
#include <cctype>
#include <deque>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

#include <CLI/CLI.hpp>

#include "app/flags.h"
#include "simgpu/base/version.h"

namespace simgpu::app {
namespace {

constexpr const char* kProgram = "dra-sim-gpu";

/// The names under which the reference driver's image starts its programs, and what they are here.
std::optional<std::string> subcommandOfProgram(std::string_view path) {
  std::string_view name = path.substr(path.rfind('/') + 1);
  if (name == "dra-example-kubeletplugin") {
    return "kubelet-plugin";
  }
  if (name == "dra-example-webhook") {
    return "webhook";
  }
  return name == "dra-example-controller" ? std::optional<std::string>("controller") : std::nullopt;
}

bool isDigit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

/// `-node-name=x` → `--node-name=x`, `-v=4` → `--v=4`: what Go's flag packages also take.
std::string withTwoDashes(std::string word) {
  bool oneDash = word.size() > 2 && word[0] == '-' && word[1] != '-';
  bool isNumber = oneDash && isDigit(word[1]);
  bool isShort = oneDash && isDigit(word[2]);  // -v4
  return oneDash && !isNumber && !isShort ? "-" + word : word;
}

/// The words as CLI11 understands them as Go does: a boolean flag never takes the next word for its value.
std::vector<std::string> normalise(std::vector<std::string> words, const std::vector<Subcommand>& subcommands) {
  std::set<std::string> booleans;
  for (const Subcommand& subcommand : subcommands) {
    for (const Flag& flag : subcommand.flags) {
      if (flag.boolean) {
        booleans.insert("--" + flag.name);
      }
    }
  }
  std::vector<std::string> result;
  for (std::string& each : words) {
    std::string word = withTwoDashes(std::move(each));
    bool isEmptyValue = word.starts_with("--") && word.find('=') == word.size() - 1;
    if (booleans.contains(word)) {
      word += "=true";
    } else if (isEmptyValue) {
      word.pop_back();
    }
    result.push_back(std::move(word));
    if (isEmptyValue) {
      result.emplace_back();  // CLI11 takes `--flag=` for a flag without a value
    }
  }
  return result;
}

std::string helpOf(const Flag& flag) {
  std::string help = flag.help;
  if (!flag.defaultText.empty()) {
    help += " (default " + flag.defaultText + ")";
  }
  if (!flag.environment.empty()) {
    help += " [$" + flag.environment + "]";
  }
  return help;
}

/// A flag together with what the command line says of it.
struct Bound {
  const Flag* flag;
  std::string value;
  CLI::Option* option = nullptr;
};

Status setFlag(const Bound& bound, const Environment& environment) {
  const Flag& flag = *bound.flag;
  std::string value = bound.value;
  std::string source = "--" + flag.name;
  if (bound.option->count() == 0) {
    auto found = environment.find(flag.environment);
    if (found == environment.end() || found->second.empty()) {
      return {};
    }
    value = found->second;
    source = "environment variable " + flag.environment;
  }
  Status set = flag.set(value);
  return set ? set : Status::invalidArgument("{}: \"{}\": {}", source, value, set.message());
}

void bind(CLI::App& app, const std::vector<Flag>& flags, std::deque<Bound>& bounds) {
  for (const Flag& flag : flags) {
    Bound& bound = bounds.emplace_back(Bound{.flag = &flag});
    std::string names = flag.name.size() == 1 ? "-" + flag.name + ",--" + flag.name : "--" + flag.name;
    bound.option = app.add_option(names, bound.value, helpOf(flag));
    bound.option->multi_option_policy(flag.repeatable ? CLI::MultiOptionPolicy::Join
                                                      : CLI::MultiOptionPolicy::TakeLast);
    bound.option->type_name(flag.boolean ? "[=true|false]" : "VALUE");
  }
}

std::string versionText() {
  return fmt::format("{} {} (commit {})\n", kProgram, base::version(), base::commit());
}

/// One line in our words for what CLI11 found wrong.
Status usageError(const CLI::ParseError& error, const CLI::App& app, const CLI::App& command) {
  std::string help = &command == &app ? kProgram : fmt::format("{} {}", kProgram, command.get_name());
  std::string message = error.what();
  message = message.substr(0, message.find('\n'));
  if (std::vector<std::string> rest = app.remaining(true); !rest.empty()) {
    const std::string& first = rest.front();
    bool isFlag = first.size() > 1 && first[0] == '-';
    message = isFlag ? fmt::format("unknown flag {}", first.substr(0, first.find('=')))
                     : fmt::format("arguments not supported: [{}]", fmt::join(rest, " "));
  }
  return Status::invalidArgument("{}; see {} --help", message, help);
}

}  // namespace

Result<ParsedCommandLine> parseCommandLine(std::vector<std::string> arguments, const Environment& environment,
                                           const std::vector<Subcommand>& subcommands) {
  std::string program = arguments.empty() ? kProgram : arguments.front();
  auto implied = subcommandOfProgram(program);
  CLI::App app("A Kubernetes DRA driver for simulated GPUs", kProgram);
  bool version = false;
  app.add_flag("--version", version, "Print version and commit");
  std::vector<CLI::App*> commands;
  std::deque<Bound> bounds;  // CLI11 keeps references into it
  std::vector<std::size_t> firstBound;
  for (const Subcommand& subcommand : subcommands) {
    CLI::App* command = app.add_subcommand(subcommand.name, subcommand.help);
    command->add_flag("--version", version, "Print version and commit");
    firstBound.push_back(bounds.size());
    bind(*command, subcommand.flags, bounds);
    commands.push_back(command);
  }
  firstBound.push_back(bounds.size());

  std::vector<std::string> words = normalise(std::move(arguments), subcommands);
  words.erase(words.begin(), words.begin() + (words.empty() ? 0 : 1));
  if (implied) {
    words.insert(words.begin(), *implied);
  }
  std::ranges::reverse(words);  // as CLI11 takes them
  auto chosen = [&]() -> const CLI::App& {
    auto command = std::ranges::find_if(commands, [](const CLI::App* each) { return each->parsed(); });
    return command == commands.end() ? app : **command;
  };
  try {
    app.parse(words);
  } catch (const CLI::CallForHelp&) {
    return ParsedCommandLine{.print = chosen().help(&chosen() == &app ? "" : kProgram)};
  } catch (const CLI::ParseError& error) {
    return unexpected(usageError(error, app, chosen()));
  }
  if (version) {
    return ParsedCommandLine{.print = versionText()};
  }
  for (std::size_t i = 0; i < commands.size(); ++i) {
    if (!commands[i]->parsed()) {
      continue;
    }
    for (std::size_t b = firstBound[i]; b < firstBound[i + 1]; ++b) {
      if (Status applied = setFlag(bounds[b], environment); !applied) {
        return unexpected(applied);
      }
    }
    return ParsedCommandLine{.subcommand = subcommands[i].name};
  }
  return unexpected(Status::invalidArgument("a subcommand is needed; see {} --help", kProgram));
}

}  // namespace simgpu::app
