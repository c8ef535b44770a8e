// The flag --plugin of every program that takes plug-ins, stated once. Threads: those of the command line.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace ride::plugin {

// `what`: what the program does with them.
void declare_plugin_flag(CLI::App& app, std::vector<std::string>& files, const std::string& what);

}  // namespace ride::plugin
