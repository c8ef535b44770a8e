#include "common/frame_shape.h"

#include <charconv>
#include <vector>

namespace ride {

std::optional<FrameShape> parse_shape(std::string_view shape, std::string_view depth) {
  constexpr std::int64_t kMaxSide = 1 << 20;
  std::vector<std::int64_t> numbers;
  while (true) {
    const std::string_view word = shape.substr(0, shape.find('x'));
    std::int64_t value = 0;
    const auto parsed = std::from_chars(word.data(), word.data() + word.size(), value);
    if (word.empty() || parsed.ec != std::errc{} || parsed.ptr != word.data() + word.size()) return std::nullopt;
    if (value < 1 || value > kMaxSide || numbers.size() == 3) return std::nullopt;
    numbers.push_back(value);
    if (word.size() == shape.size()) break;
    shape.remove_prefix(word.size() + 1);
  }
  if (numbers.size() < 2) return std::nullopt;
  if (numbers.size() == 2) numbers.push_back(1);
  if (numbers[2] > 4) return std::nullopt;
  const int bytes_per_value = depth == "8u" ? 1 : depth == "16u" ? 2 : depth == "32f" ? 4 : 0;
  if (bytes_per_value == 0) return std::nullopt;
  return FrameShape{numbers[0], numbers[1], static_cast<int>(numbers[2]), bytes_per_value};
}

}  // namespace ride
