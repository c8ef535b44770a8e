#include "plugin/plugin_flag.h"

#include <CLI/CLI.hpp>
#include <cstdlib>

namespace ride::plugin {
namespace {

constexpr const char* kVariable = "RIDE_PLUGIN";

}  // namespace

std::vector<std::string> files_in_variable(const std::string& value) {
  std::vector<std::string> files;
  for (auto& file : CLI::detail::split(value, ':'))
    if (!file.empty()) files.push_back(std::move(file));
  return files;
}

// Not by the library's own envname(): it would split files of the command line, too, or none.
void declare_plugin_flag(CLI::App& app, std::vector<std::string>& files, const std::string& what) {
  if (const char* value = std::getenv(kVariable); value != nullptr) files = files_in_variable(value);
  app.add_option("--plugin", files,
                 "Plug-in (.so), " + what + "; repeatable, none are loaded by default. The variable\n" + kVariable +
                     " holds several with ':' between them")
      ->type_name("FILE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void declare_permit_flag(CLI::App& app, std::vector<std::string>& permits) {
  app.add_option("--allow-plugin", permits,
                 "Plug-in that a job may bring and this node's workers load: sha256:HEX (sha256sum FILE.so), any or\n"
                 "none; repeatable (default: none)")
      ->type_name("WHICH")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

}  // namespace ride::plugin
