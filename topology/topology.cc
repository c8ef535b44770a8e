#include "topology/topology.h"

#include <algorithm>

namespace ride::topology {

const char* to_string(PartitionBy by) {
  switch (by) {
    case PartitionBy::frame:
      return "frame";
    case PartitionBy::source:
      return "source";
    case PartitionBy::tile:
      return "tile";
  }
  return "frame";
}

const char* to_string(DeviceChoice device) {
  switch (device) {
    case DeviceChoice::cpu:
      return "cpu";
    case DeviceChoice::gpu:
      return "gpu";
    case DeviceChoice::prefer_gpu:
      return "prefer_gpu";
  }
  return "cpu";
}

const Source* Topology::source(std::string_view name) const {
  const auto found = std::find_if(sources_.begin(), sources_.end(), [&](const Source& s) { return s.name == name; });
  return found == sources_.end() ? nullptr : &*found;
}

const Stage* Topology::stage(std::string_view name) const {
  const auto found = std::find_if(stages_.begin(), stages_.end(), [&](const Stage& s) { return s.name == name; });
  return found == stages_.end() ? nullptr : &*found;
}

bool Topology::finite() const {
  return std::all_of(sources_.begin(), sources_.end(), [](const Source& source) { return source.finite; }) &&
         std::none_of(stages_.begin(), stages_.end(), [](const Stage& stage) { return stage.topic.adopt.has_value(); });
}

}  // namespace ride::topology
