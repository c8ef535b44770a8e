// Parameters that are a list in one text: "face, person". Pure. Internal to this folder.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace ride::tasks {

// What stands between commas, without the spaces around it; of an empty text one empty part.
inline std::vector<std::string> comma_parts(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t comma = std::min(text.find(',', from), text.size());
    const std::size_t first = std::min(text.find_first_not_of(' ', from), comma);
    std::size_t end = comma;
    while (end > first && text[end - 1] == ' ') --end;
    parts.push_back(text.substr(first, end - first));
    from = comma + 1;
  }
  return parts;
}

}  // namespace ride::tasks
