#include "common/file_text.h"

#include <array>
#include <fstream>

namespace ride {

// std::istreambuf_iterator would throw what the system reports; read() keeps it in the stream's state.
std::string file_text(const std::filesystem::path& file, std::uintmax_t start) {
  std::ifstream in(file, std::ios::binary);
  if (start > 0) in.seekg(static_cast<std::streamoff>(start));
  std::string text;
  std::array<char, 4096> piece;
  do {
    in.read(piece.data(), piece.size());
    text.append(piece.data(), static_cast<std::size_t>(in.gcount()));
  } while (in);
  return text;
}

}  // namespace ride
