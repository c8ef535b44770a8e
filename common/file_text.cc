#include "common/file_text.h"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
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

namespace {

using Clock = std::chrono::steady_clock;
constexpr int kLookMs = 50;  // for a stop

struct Descriptor {
  int number = -1;
  ~Descriptor() {
    if (number >= 0) close(number);
  }
};

Error unreadable(const std::string& path, const std::string& why) {
  return {ErrorCode::invalid_argument, fmt::format("cannot read {}: {}", path, why)};
}

// There is something to read, or the end.
Result<void> wait_for_bytes(int file, const std::string& path, const NamedFileLimits& limits) {
  for (const auto until = Clock::now() + limits.patience;;) {
    pollfd entry{file, POLLIN, 0};
    const int ready = poll(&entry, 1, kLookMs);
    // A pipe that nobody has opened for writing yet says neither; one that they have closed says that they hung up.
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return unreadable(path, std::strerror(errno));
    if (limits.stop.stop_requested()) return Error{ErrorCode::cancelled, "stopped while reading " + path};
    if (Clock::now() > until) {
      return unreadable(
          path, fmt::format("it is not a regular file, and nothing came from it within {} s: name a file, or let "
                            "the program that writes into it start",
                            std::chrono::duration_cast<std::chrono::seconds>(limits.patience).count()));
    }
  }
}

}  // namespace

Result<std::string> read_named_file(const std::string& path, const NamedFileLimits& limits) {
  // By system calls: a stream throws when it is a folder, and says nothing about why it failed. Without waiting:
  // opening a pipe would wait for a writer.
  const bool standard_input = path == "-";
  const Descriptor file{standard_input ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                       : open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  struct stat about {};
  if (file.number < 0 || fstat(file.number, &about) != 0) return unreadable(path, std::strerror(errno));
  if (S_ISDIR(about.st_mode)) return unreadable(path, "it is a folder; name a file in it");
  std::string text;
  std::array<char, 65536> buffer;
  for (;;) {
    RIDE_TRY(wait_for_bytes(file.number, path, limits));
    const ssize_t got = read(file.number, buffer.data(), buffer.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return unreadable(path, std::strerror(errno));
    if (got == 0) return text;
    if (text.size() + static_cast<std::size_t>(got) > limits.most_bytes)
      return unreadable(
          path, fmt::format("it is larger than {} MB, so it is not one of RIDE's files", limits.most_bytes >> 20));
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace ride
