#include "common/command_line.h"

#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/log.h"
#include "common/redact.h"
#include "common/suggest.h"

namespace ride {
namespace {

constexpr int kUsage = 2;
constexpr double kWithoutLimit = 1e9;  // no person means a bound as large as this

bool is_flag(const CLI::Option& option) { return option.get_items_expected_max() == 0; }

// CLI11 keeps all that it knows of an option's value in one text: "INT", "INT:INT in [0 - 1024]", "TEXT:{info,error}".
struct ValueKind {
  std::string type, rule;
};
ValueKind kind_of(const CLI::Option& option) {
  const std::string all = option.get_type_name();
  const auto colon = all.find(':');
  return colon == std::string::npos ? ValueKind{all, ""} : ValueKind{all.substr(0, colon), all.substr(colon + 1)};
}

bool is_whole(const std::string& type) { return type == "INT" || type == "UINT"; }
bool is_number(const std::string& type) { return is_whole(type) || type == "FLOAT" || type == "NUMBER"; }

// "from 0 to 1024" of "INT in [0 - 1024]", "from 0" where there is no upper limit, "info, warning or error" of {..};
// else empty.
std::string words_of_rule(const std::string& rule) {
  const auto begin = rule.find("in ["), dash = rule.find(" - "), end = rule.rfind(']');
  if (begin != std::string::npos && dash != std::string::npos && end != std::string::npos && begin < dash &&
      dash < end) {
    const std::string least = rule.substr(begin + 4, dash - begin - 4), most = rule.substr(dash + 3, end - dash - 3);
    return std::strtod(most.c_str(), nullptr) >= kWithoutLimit ? "from " + least
                                                               : fmt::format("from {} to {}", least, most);
  }
  if (rule.size() < 2 || rule.front() != '{' || rule.back() != '}') return {};
  std::string words;
  const std::string list = rule.substr(1, rule.size() - 2);
  for (std::size_t at = 0; at <= list.size();) {
    const auto comma = std::min(list.find(',', at), list.size());
    words += (words.empty() ? "" : comma == list.size() ? " or " : ", ") + list.substr(at, comma - at);
    at = comma + 1;
  }
  return words;
}

std::string wanted(const CLI::Option& option) {
  const auto [type, rule] = kind_of(option);
  const std::string words = words_of_rule(rule);
  if (!is_number(type)) return words.empty() ? "a value" : words;
  return (is_whole(type) ? "a whole number" : "a number") + (words.empty() ? "" : " " + words);
}

// --slots N    Workers to keep running (from 0 to 1024; default 1)
class HelpText : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    if (!option->get_option_text().empty()) return " " + option->get_option_text();
    std::string text;
    const bool positional = option->get_positional() && option->get_lnames().empty() && option->get_snames().empty();
    if (!positional && !is_flag(*option)) text += " " + placeholder(kind_of(*option).type);
    if (option->get_expected_max() == CLI::detail::expected_max_vector_size) text += " ...";
    if (!option->get_envname().empty()) text += " (" + get_label("Env") + ":" + option->get_envname() + ")";
    return text;
  }
  std::string make_option_desc(const CLI::Option* option) const override {
    std::string more = words_of_rule(kind_of(*option).rule);
    const std::string fallback = is_flag(*option) ? "" : option->get_default_str();
    if (!fallback.empty()) more += (more.empty() ? "default " : "; default ") + fallback;
    return option->get_description() + (more.empty() ? "" : " (" + more + ")");
  }

 private:
  static std::string placeholder(const std::string& type) {
    return is_whole(type) ? "N" : type == "FLOAT" ? "NUMBER" : type;
  }
};

void use_help_text(CLI::App& app, const std::shared_ptr<HelpText>& help) {
  app.formatter(help);
  for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) use_help_text(*command, help);
}

// The command that was named, at any depth.
const CLI::App& chosen(const CLI::App& app) {
  const auto named = app.get_subcommands();
  return named.empty() ? app : chosen(*named.back());
}

std::string full_name(const CLI::App& command) {
  const CLI::App* above = command.get_parent();
  return above == nullptr ? command.get_name() : full_name(*above) + " " + command.get_name();
}

std::vector<std::string> names_of_commands(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* one : command.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(one->get_name());
  return names;
}

std::string unknown_option(const CLI::App& command, const std::string& given) {
  const std::string name = given.substr(0, given.find('='));
  std::vector<std::string> known;
  for (const CLI::Option* option : command.get_options())
    known.insert(known.end(), option->get_lnames().begin(), option->get_lnames().end());
  const auto meant = nearest(name.substr(std::min(name.size(), name.find_first_not_of('-'))), known);
  return fmt::format("unknown option {}{}", name, meant ? "; did you mean --" + *meant + "?" : "");
}

std::string unexpected(const CLI::App& command, const std::string& given) {
  const auto commands = names_of_commands(command);
  if (!commands.empty()) {
    const auto meant = nearest(given, commands);
    return fmt::format(
        "'{}' has no command '{}'{}", full_name(command), given,
        meant ? "; did you mean '" + *meant + "'?" : fmt::format(": it has {}", fmt::join(commands, ", ")));
  }
  return fmt::format("'{}' is one argument too many", given);
}

// Which option CLI11 means: it puts the name in front, or behind "Could not convert: ".
const CLI::Option* subject_of(const CLI::App& command, const std::string& message) {
  const CLI::Option* found = nullptr;
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    if (message.starts_with(name + ":") || message.starts_with(name + " ") ||
        message.starts_with("Could not convert: " + name + " "))
      found = option;
  }
  return found;
}

std::string missing(const CLI::App& command, const std::string& message) {
  const CLI::Option* option = subject_of(command, message);
  if (option != nullptr) return fmt::format("{} is missing: {}", option->get_name(), option->get_description());
  const auto commands = names_of_commands(command);
  if (commands.empty()) return message;
  return fmt::format("'{}' needs a command: {}", full_name(command), fmt::join(commands, ", "));
}

std::string wrong_value(const CLI::Option& option, const std::string& message) {
  const std::string given = option.results().empty() ? "" : option.results().back();
  if (is_number(kind_of(option).type) || !words_of_rule(kind_of(option).rule).empty())
    return fmt::format("{} wants {}, not \"{}\"", option.get_name(), wanted(option), given);
  return message;
}

std::string wrong_count(const CLI::Option& option) {
  if (option.results().size() > 1)
    return fmt::format("{} is given {} times; it takes one value", option.get_name(), option.results().size());
  return fmt::format("{} needs {}", option.get_name(), wanted(option));
}

std::string words_for(const CLI::App& command, const CLI::ParseError& error) {
  const auto left = command.remaining(false);
  const auto option =
      std::find_if(left.begin(), left.end(), [](const auto& text) { return text.size() > 1 && text[0] == '-'; });
  // Before all else: what follows it was taken for something that it is not.
  if (option != left.end()) return unknown_option(command, *option);
  if (!left.empty() &&
      (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr || !names_of_commands(command).empty()))
    return unexpected(command, left.front());
  std::string message = error.what();
  if (error.get_name() == "RequiredError") return missing(command, message);
  const CLI::Option* subject = subject_of(command, message);
  if (subject == nullptr) return message;
  return error.get_name() == "ArgumentMismatch" ? wrong_count(*subject) : wrong_value(*subject, message);
}

// "Usage: ride run [OPTIONS] FILE" of the help text.
std::string usage_of(const CLI::App& command) {
  const std::string help = command.help(command.get_parent() == nullptr ? "" : full_name(*command.get_parent()));
  const auto begin = help.find("Usage: ");
  return begin == std::string::npos ? "" : help.substr(begin, help.find('\n', begin) - begin) + "\n";
}

}  // namespace

int end_command_line(CLI::App& app, const CLI::ParseError& error) {
  app.name(app.get_name().substr(app.get_name().rfind('/') + 1));  // as the program is called, wherever it lies
  use_help_text(app, std::make_shared<HelpText>());
  if (error.get_exit_code() == 0) return app.exit(error);
  const CLI::App& command = chosen(app);
  const std::string text = fmt::format("{}: {}\n{}'{} --help' shows more\n", app.get_name(),
                                       redact(words_for(command, error)), usage_of(command), full_name(command));
  std::fputs(text.c_str(), stderr);
  return kUsage;
}

}  // namespace ride
