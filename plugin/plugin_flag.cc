#include "plugin/plugin_flag.h"

#include <CLI/CLI.hpp>

namespace ride::plugin {

void declare_plugin_flag(CLI::App& app, std::vector<std::string>& files, const std::string& what) {
  app.add_option("--plugin", files,
                 "Plug-in (.so), " + what +
                     "; repeatable, none are loaded by default. The variable\n"
                     "holds several with ':' between them")
      ->envname("RIDE_PLUGIN")
      ->type_name("FILE")
      ->expected(1)
      ->delimiter(':')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

}  // namespace ride::plugin
