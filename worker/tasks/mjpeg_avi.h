// MjpegAvi: the bytes of a Motion JPEG video in an AVI 1.0 file ("OpenDML" extensions are not needed below 1 GiB),
// written as the frames come and closed with an index. Our own, because OpenCV's writer encodes again and does not
// report a full disk. Format: "Multimedia Programming Interface and Data Specifications 1.0" (1991), RIFF/AVI. Owner:
// one thread. Failure: Errors of the file, as in durable_file.h.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"
#include "worker/tasks/durable_file.h"

namespace ride::tasks {

class MjpegAvi {
 public:
  static constexpr std::int64_t kMaxBytes = 1 << 30;  // readers' signed 32-bit offsets, with space for the index

  static Result<MjpegAvi> create(const std::string& path, const FileWriter& writer, bool sync, int width, int height,
                                 double fps);

  Result<void> add(std::span<const std::uint8_t> jpeg);  // all of it or, on an Error, nothing
  bool fits(std::size_t jpeg_bytes) const;               // whether one more frame stays under kMaxBytes
  int width() const { return width_; }
  int height() const { return height_; }
  std::size_t frames() const { return index_.size(); }
  const std::string& path() const { return file_.path(); }
  // Index, counts, sync, rename. May be called again after an Error (but see DurableFile::commit); no add() after it.
  Result<void> commit();

 private:
  struct Entry {
    std::uint32_t offset = 0, size = 0;
  };
  MjpegAvi(DurableFile file, int width, int height, double fps)
      : file_(std::move(file)), width_(width), height_(height), fps_(fps) {}
  std::vector<std::uint8_t> header() const;
  Result<void> write_chunk(std::span<const std::uint8_t> jpeg);
  Result<void> write_index();

  DurableFile file_;
  int width_ = 0, height_ = 0;
  double fps_ = 0;
  std::vector<Entry> index_;
  std::uint32_t largest_ = 0;
  bool complete_ = false;  // index and counts are written
};

}  // namespace ride::tasks
