#include "ledger/core/entry.h"

#include <charconv>
#include <optional>
#include <string_view>

namespace ride::ledger {

namespace {

constexpr std::int64_t kMostParts = 1'000'000;  // of a set
constexpr std::int64_t kMostGroups = 256, kMostTileNumber = 1 << 20;

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Takes what stands behind the last `mark` away from `text`.
std::optional<std::string_view> cut_last(std::string_view& text, char mark) {
  const auto at = text.rfind(mark);
  if (at == text.npos) return std::nullopt;
  const auto last = text.substr(at + 1);
  text = text.substr(0, at);
  return last;
}

// "gate/3/1042"
bool read_id(std::string_view text, Entry& out) {
  const auto number = cut_last(text, '/');
  const auto session = number ? cut_last(text, '/') : std::nullopt;
  if (!session) return false;
  const auto n = number_of(*number), s = number_of(*session);
  if (!n || !s || *n < 0 || *s < 0) return false;
  out.session_key = {std::string(text), *s};
  out.number = *n;
  return true;
}

// "clean/2/77.0/4"
bool read_origin(std::string_view text, Entry& out) {
  if (!cut_last(text, '/')) return false;  // the run
  const auto key = cut_last(text, '/');
  const auto partition = key ? cut_last(text, '/') : std::nullopt;
  const auto dot = partition ? key->find('.') : std::string_view::npos;
  if (dot == std::string_view::npos) return false;
  const auto major = number_of(key->substr(0, dot)), minor = number_of(key->substr(dot + 1));
  const auto p = number_of(*partition);
  if (!major || !minor || !p) return false;
  out.from = {std::string(text), *p};
  out.key = {*major, *minor};
  return true;
}

// "1/3"
bool read_part(std::string_view text, Entry& out) {
  const auto all = cut_last(text, '/');
  const auto part = number_of(text), parts = all ? number_of(*all) : std::nullopt;
  if (!part || !parts || *part < 1 || *part > *parts || *parts > kMostParts) return false;
  out.part = static_cast<int>(*part);
  out.parts = static_cast<int>(*parts);
  return true;
}

// "2/4/1/4320/7680/30/2/4/0/1042": the seventh and eighth say in which set of how many. One for all is as a whole
// frame.
void read_tile(std::string_view text, Entry& out) {
  for (int place = 0; place < 2; ++place) {  // of the cut
    const auto field = cut_last(text, '/');
    const auto number = field ? number_of(*field) : std::nullopt;
    if (!number || *number < 0) return;
  }
  std::vector<std::int64_t> fields;
  for (auto field = cut_last(text, '/'); field && fields.size() < 7; field = cut_last(text, '/')) {
    const auto number = number_of(*field);
    if (!number || *number < 0 || *number > kMostTileNumber) return;
    fields.push_back(*number);
  }
  if (fields.size() != 7 || !number_of(text)) return;
  if (fields[0] < 2 || fields[0] > kMostGroups || fields[1] >= fields[0]) return;
  out.session_key.group = static_cast<int>(fields[1]);
  out.session_key.groups = static_cast<int>(fields[0]);
}

bool read_kind(std::string_view text, Entry& out) {
  if (text == "ride.frame")
    out.kind = EntryKind::frame;
  else if (text == "ride.outcome")
    out.kind = EntryKind::outcome;
  else if (text == "ride.end")
    out.kind = EntryKind::end;
  else
    return false;
  return true;
}

bool read_time(const std::string& text, Entry& out) {
  const auto time = parse_time(text);
  if (time.ok()) out.captured_at = *time;
  return time.ok();
}

bool read_one(const std::string& name, const std::string& value, Entry& out) {
  if (name == "ce_type") return read_kind(value, out);
  if (name == "ce_id") return read_id(value, out);
  if (name == "ce_time") return read_time(value, out);
  if (name == "ride_origin") return read_origin(value, out);
  if (name == "ride_part") return read_part(value, out);
  if (name == "ride_writer") out.writer = value;
  if (name == "ride_outcome") out.outcome = value;
  if (name == "ride_reason") out.reason = value;
  return true;
}

}  // namespace

Result<Entry> read_entry(const Headers& headers) {
  Entry entry;
  bool format = false, id = false, origin = false, type = false;
  const std::string* tile = nullptr;  // read last: ce_id sets all that names the frame
  for (const auto& [name, value] : headers) {
    format = format || name == "ride_format";
    id = id || name == "ce_id";
    origin = origin || name == "ride_origin";
    type = type || name == "ce_type";
    if (name == "ride_attr_tile") tile = &value;
    if (!read_one(name, value, entry))
      return Error{ErrorCode::corrupt, std::string("header ").append(name).append(" is '").append(value).append("'")};
  }
  if (!format) return Error{ErrorCode::not_found, "no header ride_format: not a RIDE frame"};
  if (tile != nullptr) read_tile(*tile, entry);
  if (!id || !origin || !type) return Error{ErrorCode::corrupt, "ce_id, ce_type or ride_origin is missing"};
  return entry;
}

}  // namespace ride::ledger
