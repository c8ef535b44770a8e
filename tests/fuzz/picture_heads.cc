// The bytes of a file or a record that claims to be a picture, before anybody decodes them: what a worker reads of them
// (stream), what a producer reads (its own checks, which read every byte), and the EXIF block that sinks read.
#include "common/check.h"
#include "producer/sources/picture_file.h"
#include "stream/core/picture_info.h"
#include "worker/tasks/exif_orientation.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Behind them nothing may be read: a copy of just this size.
  const std::vector<std::uint8_t> bytes(data, data + size);
  const auto orientation = ride::tasks::exif_orientation(bytes);
  RIDE_CHECK(orientation >= 1 && orientation <= 8, "there are eight orientations");
  const auto info = ride::stream::inspect_picture(bytes);
  if (info.ok()) RIDE_CHECK(info->rows > 0 && info->cols > 0 && info->pixels() > 0, "a picture without a size");
  const auto file = ride::producer::inspect_file_head(bytes);
  if (!file.ok()) return 0;
  RIDE_CHECK(file->width > 0 && file->height > 0 && file->pixels() > 0, "a picture without a size");
  const bool small = file->pixels() <= 256 << 10;
  if (small && file->format == ride::producer::PictureFormat::jpeg) (void)ride::producer::check_jpeg(bytes);
  if (small && file->format == ride::producer::PictureFormat::png) (void)ride::producer::check_png(bytes);
  return 0;
}
