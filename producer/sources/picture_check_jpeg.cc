// check_jpeg() with libjpeg, whose headers stay in this file. libjpeg reports damage as warnings and fills the picture
// up with grey; here the warnings that mean lost picture data make the file broken. Decoding at an eighth of the size
// reads all of the compressed data, but computes hardly any pixels.

// clang-format off
#include <cstddef>  // jpeglib.h uses size_t and FILE without including them
#include <cstdio>
#include <jpeglib.h>
#include <jerror.h>  // needs jpeglib.h
// clang-format on

#include <csetjmp>
#include <string>
#include <vector>

#include "producer/sources/picture_file.h"
#include "stream/core/picture_info.h"

namespace ride::producer {
namespace {

struct Watch {
  jpeg_error_mgr manager;  // first: libjpeg hands back a pointer to it
  jpeg_progress_mgr progress;
  std::jmp_buf escape;
  std::int64_t pixels;
  std::int64_t bytes;
  char cause[JMSG_LENGTH_MAX];
  bool broken;
};

Watch& watch_of(j_common_ptr info) { return *reinterpret_cast<Watch*>(info->err); }

void note(j_common_ptr info) {
  Watch& watch = watch_of(info);
  if (!watch.broken) watch.manager.format_message(info, watch.cause);
  watch.broken = true;
}

[[noreturn]] void on_error(j_common_ptr info) {
  note(info);
  std::longjmp(watch_of(info).escape, 1);
}

void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;  // a trace, no warning
  switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_BOGUS_PROGRESSION:
      note(info);
      break;
    default:
      break;  // odd, but no picture data is lost: foreign version numbers, padding before markers
  }
}

// All scans of a progressive file are read before the first row comes: it must not take them to see that it is broken.
// And a file may claim thousands of them over one large picture, each as costly as a decode.
void on_progress(j_common_ptr info) {
  Watch& watch = watch_of(info);
  const int scans = reinterpret_cast<j_decompress_ptr>(info)->input_scan_number;
  if (!watch.broken && stream::is_too_much_work(scans, watch.pixels, watch.bytes)) {
    std::snprintf(watch.cause, sizeof watch.cause, "%d scans of so many pixels", scans);
    watch.broken = true;
  }
  if (watch.broken) std::longjmp(watch.escape, 1);
}

// Between setjmp and longjmp lie only plain structs: `rows` was made by the caller.
void walk(jpeg_decompress_struct& info, Watch& watch, std::span<const std::uint8_t> bytes, std::vector<JSAMPLE>& row) {
  if (setjmp(watch.escape) != 0) return;
  jpeg_create_decompress(&info);
  info.progress = &watch.progress;
  jpeg_mem_src(&info, bytes.data(), static_cast<unsigned long>(bytes.size()));
  jpeg_read_header(&info, TRUE);
  watch.pixels = static_cast<std::int64_t>(info.image_width) * info.image_height;
  watch.bytes = static_cast<std::int64_t>(bytes.size());
  info.scale_num = 1;
  info.scale_denom = 8;
  info.out_color_space = info.jpeg_color_space;  // no conversion
  info.do_fancy_upsampling = FALSE;
  jpeg_start_decompress(&info);
  row.resize(static_cast<std::size_t>(info.output_width) * static_cast<std::size_t>(info.output_components));
  JSAMPROW line = row.data();
  while (info.output_scanline < info.output_height && !watch.broken) jpeg_read_scanlines(&info, &line, 1);
  if (!watch.broken) jpeg_finish_decompress(&info);
}

}  // namespace

Result<void> check_jpeg(std::span<const std::uint8_t> bytes) {
  Watch watch{};
  jpeg_decompress_struct info{};
  info.err = jpeg_std_error(&watch.manager);
  watch.manager.error_exit = on_error;
  watch.manager.emit_message = on_message;
  watch.progress.progress_monitor = on_progress;
  std::vector<JSAMPLE> row;
  walk(info, watch, bytes, row);
  jpeg_destroy_decompress(&info);
  if (!watch.broken) return {};
  return Error{ErrorCode::corrupt, std::string("is truncated or damaged (") + watch.cause + ")", false};
}

}  // namespace ride::producer
