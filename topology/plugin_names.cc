#include "topology/plugin_names.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "topology/draft.h"

namespace ride::topology {

std::vector<PluginName> parse_plugins(Context& context, const YamlEntry& entry) {
  std::vector<PluginName> plugins;
  const YamlNode& list = *entry.value;
  if (list.kind != YamlNode::Kind::list) {
    context.error(list.place, fmt::format("'plugins' is {}, but a list is expected", kind_text(list.kind)),
                  "write plugins: [FILE.so]");
    return plugins;
  }
  if (list.items.size() > kMaxPlugins) {
    context.error(list.place, fmt::format("{} plug-ins; {} are the most", list.items.size(), kMaxPlugins),
                  "put their tasks into fewer plug-ins, or split the job");
    return plugins;
  }
  for (const auto& item : list.items) {
    const auto file = context.scalar(*item, entry.key, "the path of a plug-in (.so)");
    if (!file) continue;
    const auto same = [&](const PluginName& one) { return one.file == file->text; };
    if (file->text.empty())
      context.error(file->place, "the path of a plug-in is empty", "name its .so file, or remove the entry");
    else if (std::any_of(plugins.begin(), plugins.end(), same))
      context.error(file->place, fmt::format("the plug-in '{}' is named twice", file->shown), "remove one of the two");
    else
      plugins.push_back({file->text, file->place});
  }
  return plugins;
}

std::vector<PluginName> named_plugins(std::string_view text, const Environment& environment) {
  const auto yaml = read_yaml(text);
  const auto* entry = yaml.root == nullptr ? nullptr : yaml.root->find("plugins");
  Context unheard("", environment);
  return entry == nullptr ? std::vector<PluginName>() : parse_plugins(unheard, *entry);
}

}  // namespace ride::topology
