// ride-producer with a libjpeg that crashes on pictures with the word POISON in them, as a decoder with a bug does. All
// else is the product's: its main() stands in producer/main.cc.
#include <dlfcn.h>

// clang-format off
#include <cstddef>  // jpeglib.h uses size_t and FILE without including them
#include <cstdio>
#include <jpeglib.h>
// clang-format on

#include <csignal>
#include <cstring>

extern "C" int jpeg_read_header(j_decompress_ptr info, boolean require_image) {
  constexpr char kMark[] = "POISON";
  const auto* from = info->src == nullptr ? nullptr : info->src->next_input_byte;
  if (from != nullptr && ::memmem(from, info->src->bytes_in_buffer, kMark, sizeof kMark - 1) != nullptr) {
    std::signal(SIGSEGV, SIG_DFL);
    std::raise(SIGSEGV);
  }
  using ReadHeader = int (*)(j_decompress_ptr, boolean);
  static const auto real = reinterpret_cast<ReadHeader>(::dlsym(RTLD_NEXT, "jpeg_read_header"));
  return real(info, require_image);
}
