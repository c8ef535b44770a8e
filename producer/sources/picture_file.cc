#include "producer/sources/picture_file.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <opencv2/imgcodecs.hpp>

#include "common/cause.h"
#include "common/units.h"
#include "stream/core/picture_info.h"

namespace ride::producer {
namespace {

constexpr std::size_t kHeadBytes = 1 << 20;           // where nearly every header ends
constexpr std::int64_t kMaxHeaderBytes = 64 << 20;    // and a file that needs more for it is refused
constexpr std::int64_t kMaxBytesPerPixel = 16;        // four channels of 32 bits
constexpr std::int64_t kMaxMetadataBytes = 64 << 20;  // EXIF, profiles, thumbnails

class OpenFile {
 public:
  // O_NONBLOCK: opening a FIFO that someone put there must not hang.
  explicit OpenFile(const std::string& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

Error system_error(const char* what) {
  const int code = errno;
  const bool gone = code == ENOENT;
  const bool refused = code == EACCES || code == EPERM;
  return {gone      ? ErrorCode::not_found
          : refused ? ErrorCode::permission
                    : ErrorCode::corrupt,
          fmt::format("{} ({})", what, std::strerror(code)), false};
}

// Appends until `bytes` holds `wanted` bytes or the file ends.
Result<void> read_up_to(int file, std::vector<std::uint8_t>& bytes, std::size_t wanted) {
  std::size_t have = bytes.size();
  bytes.resize(std::max(wanted, have));
  while (have < wanted) {
    const ssize_t count = ::read(file, bytes.data() + have, wanted - have);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("cannot be read");
    if (count == 0) break;
    have += static_cast<std::size_t>(count);
  }
  bytes.resize(have);
  return {};
}

// The header alone, and the bytes that were read for it.
Result<PictureInfo> read_header(int file, std::int64_t file_bytes, std::vector<std::uint8_t>& bytes) {
  std::size_t wanted = static_cast<std::size_t>(std::min<std::int64_t>(file_bytes, kHeadBytes));
  while (true) {
    if (auto read = read_up_to(file, bytes, wanted); !read) return read.error();
    auto info = inspect_file_head(bytes);
    if (info || !info.error().retriable) return info;
    const auto more = static_cast<std::size_t>(std::min(file_bytes, kMaxHeaderBytes));
    if (wanted >= more) return corrupt(info.error().message);
    wanted = std::min(more, wanted * 8);
  }
}

Result<void> check_memory(std::int64_t bytes, std::int64_t weight, const PictureLimits& limits) {
  if (limits.memory_bytes <= 0 || bytes <= std::max(limits.memory_bytes, weight * kMemoryPerByte)) return {};
  return Error{
      ErrorCode::resource_exhausted,
      fmt::format("takes {} of memory, more than the producer's {} (--memory) and far more than a picture of {} "
                  "should; raise --memory if it is right",
                  format_byte_size({bytes}), format_byte_size({limits.memory_bytes}), format_byte_size({weight})),
      false};
}

// What stream's walk through a whole JPEG or PNG says, as a cause.
Error as_cause(const Error& error) {
  if (error.code == ErrorCode::corrupt) return corrupt("is truncated or damaged (" + error.message + ")");
  return {error.code, "is " + error.message, false};
}

Result<void> check_limits(const PictureInfo& info, std::int64_t file_bytes, std::int64_t max_pixels) {
  if (max_pixels > 0 && info.pixels() > max_pixels) {
    return Error{ErrorCode::resource_exhausted,
                 fmt::format("has {} x {} = {} pixels, more than max_pixels ({}) allows", info.width, info.height,
                             info.pixels(), max_pixels),
                 false};
  }
  if (file_bytes > info.pixels() * kMaxBytesPerPixel + kMaxMetadataBytes) {
    return corrupt(fmt::format("has {} for {} x {} pixels, far more than such a picture needs",
                               format_byte_size({file_bytes}), info.width, info.height));
  }
  return {};
}

}  // namespace

bool must_decode(PictureFormat format, const std::vector<Codec>& wanted) {
  if (format != PictureFormat::jpeg && format != PictureFormat::png) return true;
  const auto found = format == PictureFormat::jpeg ? PixelEncoding::jpeg : PixelEncoding::png;
  return std::any_of(wanted.begin(), wanted.end(), [&](const Codec& codec) { return codec.encoding != found; });
}

Result<void> check_picture(PictureInfo& info, std::span<const std::uint8_t> bytes, std::int64_t weight, bool decoded,
                           const PictureLimits& limits) {
  const auto size = static_cast<std::int64_t>(bytes.size());
  if (auto fits = check_limits(info, size, limits.max_pixels); !fits) return fits;
  const bool jpeg = info.format == PictureFormat::jpeg, png = info.format == PictureFormat::png;
  if (jpeg || png) {
    const auto inspected = stream::inspect_picture(bytes);
    if (!inspected.ok()) return as_cause(inspected.error());
    info.checking_bytes = inspected->buffered_bytes;
    info.decoding_bytes = inspected->memory_bytes();
  }
  const auto memory = size + (decoded ? info.decoding_bytes : info.checking_bytes);
  if (auto fits = check_memory(memory, weight, limits); !fits) return fits;
  if (limits.reserve) limits.reserve(memory);
  if (jpeg) return check_jpeg(bytes);
  if (png) return check_png(bytes);
  return {};
}

Result<PictureFile> read_picture_file(const std::string& path, const PictureLimits& limits,
                                      const std::vector<Codec>& wanted) {
  const OpenFile file(path);
  if (file.get() < 0) return system_error("cannot be opened");
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return system_error("cannot be read");
  if (!S_ISREG(status.st_mode)) return corrupt("is not a regular file");
  const std::int64_t size = status.st_size;
  if (size == 0) return corrupt("is empty");

  PictureFile picture;
  auto info = read_header(file.get(), size, picture.bytes);
  if (!info) return info.error();
  picture.info = *info;
  if (auto fits = check_limits(*info, size, limits.max_pixels); !fits) return fits.error();
  // A file may have holes: its size says nothing then. File systems that do not count blocks say 0.
  const std::int64_t weight = status.st_blocks > 0 ? std::min<std::int64_t>(size, status.st_blocks * 512) : size;
  if (auto fits = check_memory(size, weight, limits); !fits) return fits.error();
  if (auto read = read_up_to(file.get(), picture.bytes, static_cast<std::size_t>(size)); !read) return read.error();
  const bool decoded = must_decode(picture.info.format, wanted);
  if (auto whole = check_picture(picture.info, picture.bytes, weight, decoded, limits); !whole) return whole.error();
  return picture;
}

Result<cv::Mat> decode_picture(const PictureInfo& info, std::span<const std::uint8_t> bytes) {
  cv::Mat image;
  try {
    if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
      return corrupt("has more bytes than OpenCV decodes (2 GiB)");
    // A Mat header over the bytes: OpenCV only reads them.
    const cv::Mat file(1, static_cast<int>(bytes.size()), CV_8U, const_cast<std::uint8_t*>(bytes.data()));
    image = cv::imdecode(file, cv::IMREAD_ANYDEPTH | cv::IMREAD_ANYCOLOR);  // as the readers of frames do
  } catch (const cv::Exception& error) {
    return corrupt(fmt::format("is a {} that OpenCV cannot decode ({})", to_string(info.format), error.err));
  } catch (const std::exception& error) {
    return corrupt(fmt::format("is a {} that cannot be decoded ({})", to_string(info.format), cause_of(error)));
  }
  if (image.empty()) return corrupt(fmt::format("is a truncated or damaged {}", to_string(info.format)));
  const bool known = image.depth() == CV_8U || image.depth() == CV_16U || image.depth() == CV_32F;
  if (!known || image.channels() > 4) {
    return corrupt("has pixels of a kind that RIDE does not know: 8 or 16 bit or 32-bit float, up to 4 channels are");
  }
  // A picture that was taken with a turned camera (EXIF) comes out upright.
  const bool turned = image.cols == info.height && image.rows == info.width;
  if (!turned && (image.cols != info.width || image.rows != info.height)) {
    return corrupt("is damaged: its header and its data differ in size");
  }
  return image;
}

}  // namespace ride::producer
