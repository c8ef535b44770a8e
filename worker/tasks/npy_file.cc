#include "worker/tasks/npy_file.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>
#include <vector>

#include "common/units.h"

namespace ride::tasks {

static_assert(std::endian::native == std::endian::little, "values are taken from the file as they lie there");

namespace {

constexpr std::string_view kNpyMagic = "\x93NUMPY";

// The header's text: a Python dictionary with the keys 'descr', 'fortran_order' and 'shape', in any order.
class NpyDictionary {
 public:
  explicit NpyDictionary(std::string_view text) : left_(text) {}

  struct Entries {
    std::optional<std::string> descr, fortran_order;
    std::optional<std::vector<std::int64_t>> shape;
  };

  std::optional<Entries> parse() {
    Entries entries;
    if (!take('{')) return {};
    while (!take('}')) {
      const auto key = quoted();
      if (!key || !take(':') || !value_of(*key, entries)) return {};
      if (take(',')) continue;
      if (!take('}')) return {};
      break;
    }
    skip_space();
    return left_.empty() ? std::optional(entries) : std::nullopt;
  }

 private:
  bool value_of(const std::string& key, Entries& entries) {
    if (key == "descr" && !entries.descr) return bool(entries.descr = quoted());
    if (key == "fortran_order" && !entries.fortran_order) return bool(entries.fortran_order = word());
    if (key == "shape" && !entries.shape) return bool(entries.shape = tuple());
    return false;
  }

  void skip_space() { left_.remove_prefix(std::min(left_.find_first_not_of(" \n"), left_.size())); }

  bool take(char one) {
    skip_space();
    if (left_.empty() || left_.front() != one) return false;
    left_.remove_prefix(1);
    return true;
  }

  std::optional<std::string> quoted() {
    const char quote = take('\'') ? '\'' : take('"') ? '"' : '\0';
    const auto end = quote == '\0' ? std::string_view::npos : left_.find(quote);
    if (end == std::string_view::npos) return {};
    std::string text(left_.substr(0, end));
    left_.remove_prefix(end + 1);
    return text;
  }

  std::optional<std::string> word() {
    skip_space();
    const auto end = std::min(left_.find_first_not_of("FTaelrsu"), left_.size());
    std::string text(left_.substr(0, end));
    left_.remove_prefix(end);
    return text == "True" || text == "False" ? std::optional(text) : std::nullopt;
  }

  std::optional<std::vector<std::int64_t>> tuple() {
    std::vector<std::int64_t> numbers;
    if (!take('(')) return {};
    while (!take(')')) {
      skip_space();
      std::int64_t number = 0;
      const auto [end, failed] = std::from_chars(left_.data(), left_.data() + left_.size(), number);
      if (failed != std::errc() || number < 0) return {};
      left_.remove_prefix(static_cast<std::size_t>(end - left_.data()));
      numbers.push_back(number);
      if (take(',')) continue;
      if (!take(')')) return {};
      break;
    }
    return numbers;
  }

  std::string_view left_;
};

Error no_matrix(const std::string& why) { return invalid_argument(why); }

Result<NpyHead> head_of(const NpyDictionary::Entries& entries) {
  if (!entries.descr || !entries.fortran_order || !entries.shape)
    return no_matrix("its header is damaged: 'descr', 'fortran_order' and 'shape' are needed");
  NpyHead head;
  if (*entries.descr != "<f4" && *entries.descr != "<f8")
    return no_matrix(
        fmt::format("its values are '{}'; '<f4' and '<f8' are read (little-endian floats): save it with "
                    "array.astype('<f4')",
                    entries.descr->substr(0, 32)));
  if (*entries.fortran_order == "True")
    return no_matrix("its columns lie one after the other (Fortran order): save numpy.ascontiguousarray(array)");
  head.value_bytes = *entries.descr == "<f4" ? 4 : 8;
  const auto& shape = *entries.shape;
  if (shape.size() != 2) return no_matrix(fmt::format("it has {} dimensions; a matrix has 2", shape.size()));
  for (const auto side : shape) {
    if (side < 1 || side > kMostNpySide)
      return no_matrix(
          fmt::format("it has {} rows and {} columns; 1 to {} of each are allowed", shape[0], shape[1], kMostNpySide));
  }
  head.rows = shape[0], head.cols = shape[1];
  if (head.rows * head.cols > kMostNpyBytes / static_cast<std::int64_t>(sizeof(float)))
    return no_matrix(fmt::format("it has {} x {} values; up to {} as floats are read", head.rows, head.cols,
                                 format_byte_size({kMostNpyBytes})));
  return head;
}

}  // namespace

Result<NpyHead> parse_npy_head(std::string_view bytes) {
  const auto byte = [&](std::size_t at) { return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at])); };
  if (bytes.size() < 12 || !bytes.starts_with(kNpyMagic)) return no_matrix("it is no .npy file");
  const std::size_t version = byte(6);
  if (version < 1 || version > 3) return no_matrix(fmt::format("its format version {} is not known", version));
  const std::size_t text_at = version == 1 ? 10 : 12;
  std::size_t length = byte(8) | byte(9) << 8;
  if (version > 1) length |= byte(10) << 16 | byte(11) << 24;
  if (length > kMostNpyHead - text_at)
    return no_matrix(fmt::format("its header has {} bytes; a matrix needs less than {}", length, kMostNpyHead));
  if (length > bytes.size() - text_at) return no_matrix("it ends within its header");
  const auto entries = NpyDictionary(bytes.substr(text_at, length)).parse();
  if (!entries) return no_matrix("its header is damaged");
  RIDE_ASSIGN(auto head, head_of(*entries));
  head.data_at = static_cast<std::int64_t>(text_at + length);
  return head;
}

namespace {

struct NpyDescriptor {
  int number = -1;
  ~NpyDescriptor() {
    if (number >= 0) ::close(number);
  }
};

// All of the bytes, or why not; an end before them is no system error.
Result<std::size_t> read_at(int file, void* to, std::size_t bytes, std::int64_t offset) {
  std::size_t done = 0;
  while (done < bytes) {
    const auto got = ::pread(file, static_cast<char*>(to) + done, bytes - done, offset + static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return no_matrix(std::strerror(errno));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Result<void> read_row(int file, const NpyHead& head, std::int64_t row, std::vector<double>& wide, float* to) {
  const auto bytes = static_cast<std::size_t>(head.cols * head.value_bytes);
  void* raw = head.value_bytes == 4 ? static_cast<void*>(to) : wide.data();
  RIDE_ASSIGN(const auto got, read_at(file, raw, bytes, head.data_at + row * static_cast<std::int64_t>(bytes)));
  if (got < bytes) return no_matrix("it became shorter while it was read");
  if (head.value_bytes == 4) return {};
  for (std::int64_t x = 0; x < head.cols; ++x) {
    to[x] = static_cast<float>(wide[x]);
    if (std::isfinite(wide[x]) && !std::isfinite(to[x]))
      return no_matrix(fmt::format("its value {} at row {}, column {} is too large for a float", wide[x], row, x));
  }
  return {};
}

Result<cv::Mat> read_matrix(const std::string& path) {
  // Without waiting: opening a pipe would wait for a writer.
  const NpyDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  struct stat about {};
  if (file.number < 0 || ::fstat(file.number, &about) != 0) return no_matrix(std::strerror(errno));
  if (!S_ISREG(about.st_mode)) return no_matrix("it is no regular file");
  std::string start(kMostNpyHead, '\0');
  RIDE_ASSIGN(const auto got, read_at(file.number, start.data(), start.size(), 0));
  RIDE_ASSIGN(const auto head, parse_npy_head(std::string_view(start).substr(0, got)));
  if (about.st_size - head.data_at != head.data_bytes())
    return no_matrix(fmt::format("{} x {} values of {} bytes take {} bytes behind its header, and there are {}",
                                 head.rows, head.cols, head.value_bytes, head.data_bytes(),
                                 about.st_size - head.data_at));
  cv::Mat matrix(static_cast<int>(head.rows), static_cast<int>(head.cols), CV_32FC1);
  std::vector<double> wide(head.value_bytes == 8 ? static_cast<std::size_t>(head.cols) : 0);
  for (int y = 0; y < matrix.rows; ++y) RIDE_TRY(read_row(file.number, head, y, wide, matrix.ptr<float>(y)));
  return matrix;
}

}  // namespace

Result<cv::Mat> read_npy(const std::string& path) {
  auto matrix = read_matrix(path);
  if (matrix) return matrix;
  return Error{matrix.error().code, fmt::format("cannot read a matrix from '{}': {}", path, matrix.error().message)};
}

}  // namespace ride::tasks
