#include "worker/python/reply.h"

#include <opencv2/core/hal/interface.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <limits>

#include "common/json.h"

namespace ride::python {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestName = 64, kLongestText = 4096;

Result<std::int64_t> number_in(const json& object, const char* name, std::int64_t least, std::int64_t most) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_integer()) return corrupt(fmt::format("it has no number '{}'", name));
  if (found->is_number_unsigned() &&
      found->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return corrupt(fmt::format("'{}' is too large", name));
  const auto value = found->get<std::int64_t>();
  if (value < least || value > most) return corrupt(fmt::format("'{}' is {}, not {} to {}", name, value, least, most));
  return value;
}

Result<std::string> text_in(const json& object, const char* name, std::size_t longest) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return corrupt(fmt::format("it has no text '{}'", name));
  const auto& text = found->get_ref<const std::string&>();
  if (text.size() > longest) return corrupt(fmt::format("'{}' has {} bytes, more than {}", name, text.size(), longest));
  return text;
}

bool is_name(const std::string& text) {
  const auto plain = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  };
  return !text.empty() && text.size() <= kLongestName && std::all_of(text.begin(), text.end(), plain);
}

Result<Attributes> attributes_in(const json& object) {
  const auto found = object.find("attributes");
  if (found == object.end() || !found->is_object()) return corrupt("it has no 'attributes'");
  if (found->size() > kMostAttributes) return corrupt(fmt::format("more than {} attributes", kMostAttributes));
  Attributes attributes;
  for (const auto& [name, value] : found->items()) {
    if (!is_name(name)) return corrupt("an attribute's name has other characters than a-z, A-Z, 0-9, '_', '-' and '.'");
    if (value.is_null())
      attributes[name] = std::nullopt;
    else if (value.is_string())
      attributes[name] = value.get<std::string>();
    else
      return corrupt("an attribute is no text");
  }
  return attributes;
}

Result<std::vector<int>> dropped_in(const json& object) {
  const auto found = object.find("drop");
  if (found == object.end() || !found->is_array() || found->size() > kMostSlots)
    return corrupt("it has no list 'drop', or a long one");
  std::vector<int> dropped;
  for (const json& one : *found) {
    RIDE_ASSIGN(const auto slot, number_in(json{{"drop", one}}, "drop", 0, std::numeric_limits<int>::max()));
    dropped.push_back(static_cast<int>(slot));
  }
  return dropped;
}

Result<Reply> emitted_in(const json& object) {
  Emitted emitted;
  RIDE_ASSIGN(const auto slot, number_in(object, "slot", kPassedOn, std::numeric_limits<int>::max()));
  emitted.slot = static_cast<int>(slot);
  RIDE_ASSIGN(emitted.port, text_in(object, "port", kLongestName));
  RIDE_ASSIGN(emitted.attributes, attributes_in(object));
  if (emitted.slot == kPassedOn) return Reply(emitted);
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  RIDE_ASSIGN(emitted.offset, number_in(object, "offset", 0, kMost));
  RIDE_ASSIGN(const auto rows, number_in(object, "rows", 0, kMost));
  RIDE_ASSIGN(const auto cols, number_in(object, "cols", 0, kMost));
  RIDE_ASSIGN(const auto channels, number_in(object, "channels", 0, kMost));
  RIDE_ASSIGN(const auto depth, text_in(object, "depth", kLongestName));
  RIDE_ASSIGN(emitted.shape, picture_shape(rows, cols, channels, depth));
  return Reply(emitted);
}

Result<Reply> finished_in(const json& object, std::optional<std::string> raised) {
  Finished finished{.raised = std::move(raised)};
  const auto kept = object.find("kept");
  if (kept == object.end() || !kept->is_boolean()) return corrupt("it has no 'kept'");
  finished.kept = kept->get<bool>();
  RIDE_ASSIGN(finished.dropped, dropped_in(object));
  return Reply(finished);
}

}  // namespace

Result<PictureShape> picture_shape(std::int64_t rows, std::int64_t cols, std::int64_t channels,
                                   std::string_view depth) {
  constexpr std::int64_t kMostSide = std::numeric_limits<int>::max();
  if (rows < 1 || rows > kMostSide || cols < 1 || cols > kMostSide || channels < 1 || channels > 4)
    return corrupt(fmt::format("a picture of {} rows, {} columns and {} channels", rows, cols, channels));
  const int kind = depth == "8U" ? CV_8U : depth == "16U" ? CV_16U : depth == "32F" ? CV_32F : -1;
  if (kind < 0) return corrupt("a picture of another depth than 8U, 16U or 32F");
  const std::int64_t pixel = channels * (kind == CV_8U ? 1 : kind == CV_16U ? 2 : 4);
  if (rows > kMostPictureBytes / pixel / cols)
    return corrupt(
        fmt::format("a picture of {} rows and {} columns has more than {} bytes", rows, cols, kMostPictureBytes));
  return PictureShape{static_cast<int>(rows), static_cast<int>(cols), static_cast<int>(channels),
                      CV_MAKETYPE(kind, static_cast<int>(channels)), rows * cols * pixel};
}

Result<Reply> parse_reply(std::string_view text) {
  if (text.size() > kMostMessage) return corrupt("its message is too long");
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object()) return corrupt("its message is no JSON object");
  RIDE_ASSIGN(const auto kind, text_in(object, "t", kLongestName));
  if (kind == "ready") return Reply(Ready{});
  if (kind == "closed") return Reply(Closed{});
  if (kind == "failed") {
    RIDE_ASSIGN(const auto why, text_in(object, "text", kLongestText));
    return Reply(Failed{why});
  }
  if (kind == "slot") {
    SlotWanted wanted;
    RIDE_ASSIGN(wanted.bytes, number_in(object, "bytes", 1, std::numeric_limits<std::int64_t>::max()));
    RIDE_ASSIGN(wanted.dropped, dropped_in(object));
    return Reply(wanted);
  }
  if (kind == "emit") return emitted_in(object);
  if (kind == "done") return finished_in(object, std::nullopt);
  if (kind == "raised") {
    RIDE_ASSIGN(const auto why, text_in(object, "text", kLongestText));
    return finished_in(object, why);
  }
  return corrupt("its message is of no known kind");
}

}  // namespace ride::python
