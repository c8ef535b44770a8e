#include "worker/tasks/mjpeg_avi.h"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace ride::tasks {
namespace {

// Little-endian bytes of RIFF chunks.
class RiffBytes {
 public:
  RiffBytes& tag(std::string_view four) {
    bytes_.insert(bytes_.end(), four.begin(), four.end());
    return *this;
  }
  RiffBytes& u32(std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) bytes_.push_back(static_cast<std::uint8_t>(value >> shift));
    return *this;
  }
  RiffBytes& u16(std::uint16_t value) {
    bytes_.push_back(static_cast<std::uint8_t>(value));
    bytes_.push_back(static_cast<std::uint8_t>(value >> 8));
    return *this;
  }
  RiffBytes& u32s(std::initializer_list<std::uint32_t> values) {
    for (const auto value : values) u32(value);
    return *this;
  }
  std::vector<std::uint8_t> take() { return std::move(bytes_); }

 private:
  std::vector<std::uint8_t> bytes_;
};

constexpr std::uint32_t kStreamHeaderBytes = 56, kFormatBytes = 40, kMainHeaderBytes = 56;
constexpr std::uint32_t kStreamListBytes = 4 + 8 + kStreamHeaderBytes + 8 + kFormatBytes;
constexpr std::uint32_t kHeaderListBytes = 4 + 8 + kMainHeaderBytes + 8 + kStreamListBytes;
constexpr std::uint32_t kMoviStart = 12 + 8 + kHeaderListBytes + 8;  // where "movi" stands; the index counts from there
constexpr std::uint32_t kHeaderBytes = kMoviStart + 4;

constexpr std::uint32_t kHasIndex = 0x10, kKeyFrame = 0x10;
constexpr std::uint32_t kRateScale = 1000;  // fps in thousandths

std::uint32_t padded(std::uint32_t size) { return size + (size & 1); }

}  // namespace

Result<MjpegAvi> MjpegAvi::create(const std::string& path, const FileWriter& writer, bool sync, int width, int height,
                                  double fps) {
  auto file = DurableFile::create(path, writer, sync);
  if (!file) return file.error();
  MjpegAvi avi(std::move(*file), width, height, fps);
  if (auto written = avi.file_.write(avi.header()); !written) return written.error();
  return avi;
}

// Written twice: with zeros for what is known at the end only, then over it.
std::vector<std::uint8_t> MjpegAvi::header() const {
  const auto frames = static_cast<std::uint32_t>(index_.size());
  const auto width = static_cast<std::uint32_t>(width_), height = static_cast<std::uint32_t>(height_);
  const auto rate = static_cast<std::uint32_t>(std::max(1.0, std::round(fps_ * kRateScale)));
  const auto per_frame_us = static_cast<std::uint32_t>(std::min(4e9, 1e6 / fps_));
  const auto end = index_.empty() ? kHeaderBytes : kMoviStart + index_.back().offset + 8 + padded(index_.back().size);
  const std::uint32_t index_bytes = frames * 16;
  const auto bytes_per_second = static_cast<std::uint32_t>(std::min(4e9, largest_ * fps_));
  RiffBytes out;
  out.tag("RIFF").u32(end - 8 + 8 + index_bytes).tag("AVI ");
  out.tag("LIST").u32(kHeaderListBytes).tag("hdrl");
  out.tag("avih").u32(kMainHeaderBytes);
  out.u32s({per_frame_us, bytes_per_second, 0, kHasIndex, frames, 0, 1, largest_, width, height, 0, 0, 0, 0});
  out.tag("LIST").u32(kStreamListBytes).tag("strl");
  out.tag("strh").u32(kStreamHeaderBytes).tag("vids").tag("MJPG");
  out.u32s({0, 0, 0, kRateScale, rate, 0, frames, largest_, 0xffffffff, 0});
  out.u16(0)
      .u16(0)
      .u16(static_cast<std::uint16_t>(std::min(width_, 0x7fff)))
      .u16(static_cast<std::uint16_t>(std::min(height_, 0x7fff)));
  out.tag("strf").u32(kFormatBytes).u32s({kFormatBytes, width, height}).u16(1).u16(24).tag("MJPG");
  out.u32s({width * height * 3, 0, 0, 0, 0});
  out.tag("LIST").u32(end - kMoviStart).tag("movi");
  return out.take();
}

bool MjpegAvi::fits(std::size_t jpeg_bytes) const {
  const auto index = static_cast<std::int64_t>((index_.size() + 1) * 16 + 8);
  return file_.size() + static_cast<std::int64_t>(jpeg_bytes) + 9 + index <= kMaxBytes;
}

Result<void> MjpegAvi::write_chunk(std::span<const std::uint8_t> jpeg) {
  const auto size = static_cast<std::uint32_t>(jpeg.size());
  if (auto written = file_.write(RiffBytes().tag("00dc").u32(size).take()); !written) return written;
  if (auto written = file_.write(jpeg); !written) return written;
  constexpr std::uint8_t kPad[] = {0};
  return size & 1 ? file_.write(kPad) : Result<void>();
}

Result<void> MjpegAvi::add(std::span<const std::uint8_t> jpeg) {
  RIDE_CHECK(fits(jpeg.size()), "the segment should have been closed before");
  const std::int64_t start = file_.size();
  const auto size = static_cast<std::uint32_t>(jpeg.size());
  if (auto written = write_chunk(jpeg); !written) {
    // A later try, or the index, must not find half a frame.
    if (auto undone = file_.cut(start); !undone) return undone;
    return written;
  }
  index_.push_back({.offset = static_cast<std::uint32_t>(start) - kMoviStart, .size = size});
  largest_ = std::max(largest_, size);
  return {};
}

Result<void> MjpegAvi::write_index() {
  RiffBytes index;
  index.tag("idx1").u32(static_cast<std::uint32_t>(index_.size()) * 16);
  for (const Entry& entry : index_) index.tag("00dc").u32s({kKeyFrame, entry.offset, entry.size});
  if (auto written = file_.write(index.take()); !written) return written;
  return file_.write_at(0, header());
}

Result<void> MjpegAvi::commit() {
  const std::int64_t end_of_frames = file_.size();
  if (!complete_) {
    if (auto written = write_index(); !written) {
      if (auto undone = file_.cut(end_of_frames); !undone) return undone;
      return written;
    }
    complete_ = true;
  }
  return file_.commit();
}

}  // namespace ride::tasks
