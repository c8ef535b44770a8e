#include "topology/edit_hashes.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <tuple>

namespace ride::topology {
namespace {

// The first byte of the character at the place; the text's end where there is none.
std::size_t offset_of(const std::string& text, const SourceLocation& place) {
  std::size_t at = 0;
  for (int line = 1; line < place.line && at != std::string::npos; ++line) {
    at = text.find('\n', at);
    if (at != std::string::npos) ++at;
  }
  if (at == std::string::npos) return text.size();
  const auto continues = [&](std::size_t i) { return (static_cast<unsigned char>(text[i]) & 0xc0) == 0x80; };
  for (int column = 1; column < place.column && at < text.size(); ++column) {
    ++at;
    while (at < text.size() && continues(at)) ++at;
  }
  return at;
}

}  // namespace

Result<std::string> edit_hashes(std::string text, std::vector<HashEdit> edits) {
  // From the end, so that places before an edit stay right.
  std::sort(edits.begin(), edits.end(), [](const HashEdit& a, const HashEdit& b) {
    return std::tie(a.place.line, a.place.column) > std::tie(b.place.line, b.place.column);
  });
  for (std::size_t i = 0; i < edits.size(); ++i) {
    const HashEdit& edit = edits[i];
    if (i > 0 && edits[i - 1].place == edit.place && edits[i - 1].to == edit.to) continue;
    std::size_t at = offset_of(text, edit.place);
    if (at < text.size() && (text[at] == '"' || text[at] == '\'')) ++at;
    if (text.compare(at, edit.from.size(), edit.from) != 0 || (i > 0 && edits[i - 1].place == edit.place))
      return Error{
          ErrorCode::invalid_argument,
          fmt::format("line {}: the hash cannot be written there; write sha256: {}", edit.place.line, edit.to)};
    text.replace(at, edit.from.size(), edit.to);
  }
  return text;
}

}  // namespace ride::topology
