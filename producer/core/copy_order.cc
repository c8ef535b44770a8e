#include "producer/core/copy_order.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace ride::producer {
namespace {

// Others can write here, too: a number that is no partition's or no offset's must not become one.
constexpr std::int64_t kLastOffset = std::int64_t{1} << 62;
bool is_place(std::int64_t partition, std::int64_t offset) {
  return partition <= std::numeric_limits<int>::max() && offset <= kLastOffset;
}

std::string join(const std::vector<std::int64_t>& numbers) {
  std::string text;
  for (const auto number : numbers) text += (text.empty() ? "" : " ") + std::to_string(number);
  return text;
}

std::optional<std::vector<std::int64_t>> split(std::string_view text) {
  std::vector<std::int64_t> numbers;
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    std::int64_t number = -1;
    const auto [rest, failed] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (failed != std::errc() || rest != word.data() + word.size() || number < 0) return std::nullopt;
    numbers.push_back(number);
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
  return numbers;
}

}  // namespace

// Runs: partition, first offset, how many.
std::string pack_places(const std::vector<CopyPlace>& places) {
  std::vector<std::int64_t> numbers;
  for (const auto& [partition, offset] : places) {
    const auto size = numbers.size();
    if (size > 0 && numbers[size - 3] == partition && numbers[size - 2] + numbers[size - 1] == offset)
      ++numbers[size - 1];
    else
      numbers.insert(numbers.end(), {partition, offset, 1});
  }
  return join(numbers);
}

std::optional<std::vector<CopyPlace>> unpack_places(std::string_view text) {
  const auto numbers = split(text);
  if (!numbers || numbers->size() % 3 != 0) return std::nullopt;
  std::vector<CopyPlace> places;
  for (std::size_t i = 0; i < numbers->size(); i += 3) {
    const auto count = (*numbers)[i + 2];
    if (!is_place((*numbers)[i], (*numbers)[i + 1])) return std::nullopt;
    if (count > kMostPlaces - static_cast<std::int64_t>(places.size())) return std::nullopt;
    for (std::int64_t k = 0; k < count; ++k) places.push_back({static_cast<int>((*numbers)[i]), (*numbers)[i + 1] + k});
  }
  return places;
}

std::vector<NumberedPlace> CopyOrder::apply(const std::vector<CopyPlace>& proposal) {
  std::vector<NumberedPlace> fresh;
  for (const CopyPlace& place : proposal) {
    auto& behind = behind_[place.partition];
    if (place.offset < behind) continue;
    behind = place.offset + 1;
    fresh.push_back({next_++, place});
  }
  return fresh;
}

std::optional<std::int64_t> CopyOrder::behind(int partition) const {
  const auto found = behind_.find(partition);
  return found == behind_.end() ? std::nullopt : std::optional(found->second);
}

std::string CopyOrder::pack() const {
  std::vector<std::int64_t> numbers{next_};
  for (const auto& [partition, offset] : behind_) numbers.insert(numbers.end(), {partition, offset});
  return join(numbers);
}

std::optional<CopyOrder> CopyOrder::unpack(std::string_view text) {
  const auto numbers = split(text);
  if (!numbers || numbers->size() % 2 != 1) return std::nullopt;
  CopyOrder order;
  order.next_ = numbers->front();
  if (order.next_ > kLastOffset) return std::nullopt;
  for (std::size_t i = 1; i < numbers->size(); i += 2) {
    if (!is_place((*numbers)[i], (*numbers)[i + 1])) return std::nullopt;
    order.behind_[static_cast<int>((*numbers)[i])] = (*numbers)[i + 1];
  }
  return order;
}

}  // namespace ride::producer
