#include "common/source_file.h"

#include "common/text.h"

namespace ride {

std::string file_note(const std::map<std::string, std::string>& attributes) {
  constexpr std::size_t kLongest = 300;
  const auto found = attributes.find(kSourceFileAttribute);
  if (found == attributes.end() || found->second.empty()) return {};
  const bool cut = found->second.size() > kLongest;
  return " (file " + one_line(cut ? found->second.substr(0, kLongest) + "..." : found->second) + ")";
}

}  // namespace ride
