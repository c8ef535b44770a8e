#include "master/core/offers.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/plugin_permit.h"
#include "common/units.h"

namespace ride::master {

bool has_gpu(const stream::Heartbeat& offer) {
  return std::find(offer.devices.begin(), offer.devices.end(), "gpu") != offer.devices.end();
}

bool fits(const stream::Heartbeat& offer, const stream::GroupSpec& group) {
  if (group.device == "gpu" && !has_gpu(offer)) return false;
  // 0: shared with others, or not stated; then nothing is known against it.
  if (group.cores > 0 && offer.cores > 0 && offer.cores < group.cores) return false;
  if (group.memory_bytes > 0 && offer.memory_bytes > 0 && offer.memory_bytes < group.memory_bytes) return false;
  return std::all_of(group.labels.begin(), group.labels.end(), [&](const auto& label) {
    const auto found = offer.labels.find(label.first);
    if (found == offer.labels.end()) return false;
    return label.first == kPluginLabel ? label_allows(found->second, label.second) : found->second == label.second;
  });
}

int demands(const stream::GroupSpec& group) {
  return (group.device == "gpu") + (group.cores > 0) + (group.memory_bytes > 0) +
         2 * static_cast<int>(group.labels.size());
}

std::string needs(const stream::GroupSpec& group) {
  std::string text;
  if (group.device == "gpu") text += ", with a GPU";
  if (group.cores > 0) text += fmt::format(", with {} cores", group.cores);
  if (group.memory_bytes > 0) text += ", with " + format_byte_size({group.memory_bytes});
  for (const auto& [name, value] : group.labels)
    text += name == kPluginLabel ? fmt::format(", on a node with --allow-plugin {}", value)
                                 : fmt::format(", labelled {}={}", name, value);
  return text;
}

}  // namespace ride::master
