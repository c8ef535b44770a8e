#include "worker/tasks/exif_orientation.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace ride::tasks {
namespace {

using Bytes = std::span<const std::uint8_t>;

// A TIFF block's numbers, in its byte order; 0 beyond its end.
class Tiff {
 public:
  explicit Tiff(Bytes bytes) : bytes_(bytes), little_(!bytes.empty() && bytes[0] == 'I') {}
  std::uint32_t number(std::size_t at, std::size_t size) const {
    if (at > bytes_.size() || bytes_.size() - at < size) return 0;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | bytes_[at + (little_ ? size - 1 - i : i)];
    return value;
  }

 private:
  Bytes bytes_;
  bool little_;
};

int orientation_in(const Tiff& tiff) {
  constexpr std::uint32_t kMagic = 42, kOrientation = 0x0112;
  if (tiff.number(2, 2) != kMagic) return 1;
  const std::size_t directory = tiff.number(4, 4);
  const std::uint32_t entries = tiff.number(directory, 2);
  for (std::uint32_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + std::size_t{12} * i;
    if (tiff.number(entry, 2) != kOrientation) continue;
    const auto value = static_cast<int>(tiff.number(entry + 8, 2));
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

}  // namespace

int exif_orientation(Bytes jpeg) {
  static constexpr std::array<std::uint8_t, 6> kExif = {'E', 'x', 'i', 'f', 0, 0};
  std::size_t at = 2;  // behind SOI
  while (at + 4 <= jpeg.size() && jpeg[at] == 0xFF) {
    const std::uint8_t marker = jpeg[at + 1];
    const std::size_t length = std::size_t{jpeg[at + 2]} << 8 | jpeg[at + 3];
    if (marker == 0xDA || length < 2 || jpeg.size() - at - 2 < length) return 1;  // the picture begins, or damage
    const Bytes segment = jpeg.subspan(at + 4, length - 2);
    if (marker == 0xE1 && segment.size() > kExif.size() && std::equal(kExif.begin(), kExif.end(), segment.begin()))
      return orientation_in(Tiff(segment.subspan(kExif.size())));
    at += 2 + length;
  }
  return 1;
}

}  // namespace ride::tasks
