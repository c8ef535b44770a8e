// The flag --plugin of every program that takes plug-ins, stated once. Threads: those of the command line.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace ride::plugin {

// `what`: what the program does with them. RIDE_PLUGIN fills `files` at once; the flag replaces them.
void declare_plugin_flag(CLI::App& app, std::vector<std::string>& files, const std::string& what);

// --allow-plugin, by which a node's owner says what jobs may bring (common/plugin_permit.h).
void declare_permit_flag(CLI::App& app, std::vector<std::string>& permits);

// "/a/x.so:/b/y.so"; only there is ':' no part of a name.
std::vector<std::string> files_in_variable(const std::string& value);

}  // namespace ride::plugin
