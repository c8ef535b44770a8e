// Which plug-ins that jobs bring a node's workers may load (decision 0049), by the SHA-256 of the file. None by
// default. Values; pure; any thread.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace ride {

class PluginPermit {
 public:
  // "sha256:HEX" each, or "any" or "none" alone. invalid_argument: neither, or more than 60.
  static Result<PluginPermit> parse(const std::vector<std::string>& words);

  bool allows(std::string_view sha256) const { return any_ || hashes_.contains(std::string(sha256)); }
  // The value of kPluginLabel by which a worker tells the master; empty: none.
  std::string label() const;

 private:
  bool any_ = false;
  std::set<std::string> hashes_;
};

// Of a worker: what it may load. Of a group: what its workers must be allowed to load, as permit_word().
inline constexpr const char* kPluginLabel = "ride.plugins";
bool label_allows(std::string_view label, std::string_view wanted);

std::string permit_word(std::string_view sha256);  // "sha256:HEX", for --allow-plugin

}  // namespace ride
