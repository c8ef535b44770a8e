#include "cli/command.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "cli/terminal.h"
#include "common/file_text.h"

namespace ride::cli {

CLI::App& Program::add(const std::string& group, const std::string& name, const std::string& summary,
                       const std::string& examples, Action action) {
  CLI::App& command = *app_.add_subcommand(name, summary);
  command.group(group);
  command.footer(fmt::format("\nExamples:\n{}\n\n{}", examples, kExitCodesText));
  command.callback([this, action = std::move(action)] { chosen_ = action; });
  return command;
}

void ParamFlags::declare(CLI::App& app, const std::vector<ParamSpec>& specs) {
  specs_ = specs;
  for (const ParamSpec& spec : specs_) {
    const std::string flag = "--" + spec.name;
    std::string doc = spec.doc;
    if (!doc.empty()) doc[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(doc[0])));
    const auto keep = [given = given_, name = spec.name](const std::string& text) { (*given)[name] = text; };
    if (spec.type == ParamType::boolean) {
      app.add_flag_callback(
          flag, [keep] { keep("true"); }, doc);
      continue;
    }
    CLI::Option* option = app.add_option_function<std::string>(flag, keep, doc);
    option->type_name(spec.type == ParamType::string ? "TEXT" : spec.type == ParamType::integer ? "INT" : "NUMBER");
    const std::string fallback = spec.default_value ? ride::to_string(*spec.default_value) : "";
    if (!fallback.empty()) option->default_str(fallback);
    if (spec.type == ParamType::integer && spec.min && spec.max)
      option->check(CLI::Range(static_cast<std::int64_t>(*spec.min), static_cast<std::int64_t>(*spec.max)));
  }
}

Result<ParamValues> ParamFlags::values() const {
  ParamValues values;
  for (const ParamSpec& spec : specs_) {
    const auto given = given_->find(spec.name);
    if (given == given_->end()) continue;
    auto value = parse_param_text(spec, given->second);
    if (!value.ok()) return Error{ErrorCode::invalid_argument, "--" + spec.name + ": " + value.error().message};
    values[spec.name] = std::move(*value);
  }
  return check_params(specs_, values);
}

void SettingFlags::declare(CLI::App& app, const std::vector<std::string>& names) {
  std::vector<ParamSpec> specs;
  specs.reserve(names.size());
  for (const auto& name : names) specs.push_back(setting_spec(name));
  flags_.declare(app, specs);
}

Result<Settings> SettingFlags::resolve() const {
  RIDE_ASSIGN(auto file, load_settings_file());
  return resolve_settings(flags_.given(), process_environment(), file);
}

Result<SettingsFile> load_settings_file() {
  const auto named = process_environment()("RIDE_CONFIG");
  const std::string path = named && !named->empty() ? *named : "ride.conf";
  if (access(path.c_str(), F_OK) != 0 && (!named || named->empty())) return SettingsFile{};
  RIDE_ASSIGN(const auto text, read_named_file(path));
  return parse_settings_file(path, text);
}

void add_json_flag(CLI::App& app, bool& json) { app.add_flag("--json", json, "Print JSON, for scripts"); }

ExitCode fail(const Error& error) {
  print_error(error.message);
  return exit_code_of(error.code);
}

}  // namespace ride::cli
