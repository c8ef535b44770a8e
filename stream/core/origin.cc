#include "stream/core/origin.h"

#include <charconv>
#include <vector>

namespace ride::stream {

namespace {

template <class Int>
bool parse_int(std::string_view text, Int& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string to_string(const Origin& origin) {
  return origin.upstream.name + '/' + std::to_string(origin.upstream.partition.value) + '/' +
         std::to_string(origin.key.major) + '.' + std::to_string(origin.key.minor) + '/' +
         std::to_string(origin.run.value);
}

Result<Origin> parse_origin(const std::string& text) {
  const auto bad = Error{ErrorCode::corrupt, "origin '" + text + "' is not name/partition/major.minor/run"};
  // From the right: only the name is free text.
  std::string_view rest = text;
  std::string_view fields[3];
  for (auto& field : fields) {
    const auto slash = rest.rfind('/');
    if (slash == std::string_view::npos) return bad;
    field = rest.substr(slash + 1);
    rest = rest.substr(0, slash);
  }
  const auto dot = fields[1].find('.');
  Origin origin;
  origin.upstream.name = std::string(rest);
  if (rest.empty() || dot == std::string_view::npos || !parse_int(fields[0], origin.run.value) ||
      !parse_int(fields[1].substr(0, dot), origin.key.major) ||
      !parse_int(fields[1].substr(dot + 1), origin.key.minor) || !parse_int(fields[2], origin.upstream.partition.value))
    return bad;
  return origin;
}

bool Watermarks::is_above(const Upstream& upstream, OriginKey key) const {
  const auto found = marks_.find(upstream);
  return found == marks_.end() || key > found->second;
}

void Watermarks::raise(const Upstream& upstream, OriginKey key) {
  auto [entry, fresh] = marks_.try_emplace(upstream, key);
  if (!fresh && key > entry->second) entry->second = key;
}

}  // namespace ride::stream
