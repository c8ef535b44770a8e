// check_png() with libpng, whose header stays in this file: reads every row and the end chunk, keeps one row.
#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <vector>

#include "producer/sources/picture_file.h"

namespace ride::producer {
namespace {

struct Reader {
  std::span<const std::uint8_t> rest;
  char cause[256] = "";
};

void read_bytes(png_structp png, png_bytep out, std::size_t count) {
  auto& reader = *static_cast<Reader*>(png_get_io_ptr(png));
  if (reader.rest.size() < count) png_error(png, "the file ends in the middle");
  std::memcpy(out, reader.rest.data(), count);
  reader.rest = reader.rest.subspan(count);
}

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  auto& reader = *static_cast<Reader*>(png_get_error_ptr(png));
  std::snprintf(reader.cause, sizeof reader.cause, "%s", message);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}  // odd ancillary chunks: the pixels are whole

// Between setjmp and longjmp lie only plain values: `row` was made by the caller.
bool walk(png_structp png, png_infop info, std::vector<png_byte>& row) {
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  png_read_info(png, info);
  row.resize(png_get_rowbytes(png, info));
  const png_uint_32 width = png_get_image_width(png, info), height = png_get_image_height(png, info);
  const bool interlaced = png_get_interlace_type(png, info) != PNG_INTERLACE_NONE;
  png_start_read_image(png);
  for (int pass = 0; pass < (interlaced ? 7 : 1); ++pass) {
    if (interlaced && PNG_PASS_COLS(width, pass) == 0) continue;
    const png_uint_32 rows = interlaced ? PNG_PASS_ROWS(height, pass) : height;
    for (png_uint_32 y = 0; y < rows; ++y) png_read_row(png, row.data(), nullptr);
  }
  png_read_end(png, nullptr);
  return true;
}

}  // namespace

Result<void> check_png(std::span<const std::uint8_t> bytes) {
  Reader reader{bytes};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, on_error, on_warning);
  png_infop info = png == nullptr ? nullptr : png_create_info_struct(png);
  if (info == nullptr) {
    png_destroy_read_struct(&png, nullptr, nullptr);
    return Error{ErrorCode::resource_exhausted, "could not be checked: out of memory", true};
  }
  png_set_read_fn(png, &reader, read_bytes);
  // Texts and profiles are not looked at: they might unpack to any size.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  std::vector<png_byte> row;
  const bool whole = walk(png, info, row);
  png_destroy_read_struct(&png, &info, nullptr);
  if (whole) return {};
  return Error{ErrorCode::corrupt, std::string("is truncated or damaged (") + reader.cause + ")", false};
}

}  // namespace ride::producer
