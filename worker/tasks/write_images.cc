// write_images: each picture becomes a file. The ACK follows when process() returns, and then the file is on the disk
// (sync).
#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>

#include <opencv2/imgcodecs.hpp>
#include <optional>

#include "common/log.h"
#include "worker/tasks/durable_file.h"
#include "worker/tasks/path_template.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/registry.h"

namespace ride::tasks {
namespace {

constexpr int kTiffLzw = 5;  // the number that the TIFF 6.0 specification gives it

std::string content_type_of(const std::string& extension) {
  if (extension == "jpg" || extension == "jpeg") return "image/jpeg";
  if (extension == "tif" || extension == "tiff") return "image/tiff";
  return "image/" + extension;
}

class WriteImages : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    auto path = PathTemplate::parse(get_string(env.params, "path"), image_path_fields());
    if (!path) return path.error();
    path_.emplace(std::move(*path));
    if (auto allowed = check_output(get_string(env.params, "path")); !allowed) return allowed;
    extension_ = path_->extension();
    content_type_ = content_type_of(extension_);
    quality_ = static_cast<int>(get_int(env.params, "quality"));
    fail_on_conflict_ = get_string(env.params, "on_conflict") == "fail";
    sync_ = get_bool(env.params, "sync");
    return {};
  }

  Result<void> process(const Frame& frame, Emitter&) override {
    const std::string path = path_->expand({{"job", env_.job},
                                            {"run", std::to_string(env_.run)},
                                            {"stage", env_.stage},
                                            {"from", frame.from},
                                            {"source", frame.id.source},
                                            {"session", std::to_string(frame.id.session.value)},
                                            {"seq", std::to_string(frame.id.number)}});
    if (frame.encoded && frame.encoded->content_type == content_type_ && !frame.encoded->bytes.empty()) {
      return at(frame, store(path, frame.encoded->bytes));
    }
    auto bytes = encode(frame);
    return bytes ? at(frame, store(path, *bytes)) : bytes.error();
  }

 private:
  Result<std::vector<std::uint8_t>> encode(const Frame& frame) const {
    Result<void> fit;
    if (extension_ == "png") {
      fit = expect_picture(env_, frame, {CV_8U, CV_16U}, {1, 3, 4});
    } else if (extension_ == "tif" || extension_ == "tiff") {
      fit = expect_picture(env_, frame, {CV_8U, CV_16U, CV_32F}, {1, 3});
    } else {
      fit = expect_picture(env_, frame, {CV_8U}, {1, 3});
    }
    if (!fit) {
      return Error{fit.error().code, fmt::format("{} in .{} files; choose .png or .tif, or convert the picture before",
                                                 fit.error().message, extension_)};
    }
    std::vector<int> options;
    if (content_type_ == "image/jpeg") options = {cv::IMWRITE_JPEG_QUALITY, quality_};
    // OpenCV's own choice for floats of three channels is a lossy one.
    if (content_type_ == "image/tiff") options = {cv::IMWRITE_TIFF_COMPRESSION, kTiffLzw};
    if (extension_ == "webp") options = {cv::IMWRITE_WEBP_QUALITY, quality_};
    std::vector<std::uint8_t> bytes;
    if (!cv::imencode("." + extension_, frame.image, bytes, options) || bytes.empty()) {
      return Error{ErrorCode::unsupported,
                   fmt::format("{}: {} cannot be encoded as .{}; it may be too large for that format",
                               place(env_, frame), shape_text(frame.image), extension_)};
    }
    return bytes;
  }

  Result<void> store(const std::string& path, std::span<const std::uint8_t> bytes) const {
    if (fail_on_conflict_) {
      const auto place = OutputPlace::open(path, sync_);
      if (!place) return place.error();
      struct stat state {};
      if (::fstatat(place->folder(), place->name().c_str(), &state, AT_SYMLINK_NOFOLLOW) == 0) {
        if (holds_same_bytes(*place, bytes)) return {};
        return Error{
            ErrorCode::already_exists,
            fmt::format("'{}' is there and holds other bytes; move it away, change 'path', or set on_conflict: "
                        "overwrite",
                        path)};
      }
    }
    auto file = DurableFile::create(path, {env_.job, env_.stage, env_.worker}, sync_);
    if (!file) return file.error();
    if (auto written = file->write(bytes); !written) return written;
    return file->commit();
  }

  Result<void> at(const Frame& frame, Result<void> stored) const {
    if (stored) return stored;
    Error error = stored.error();
    error.message = place(env_, frame) + ": " + error.message;
    return error;
  }

  TaskEnv env_;
  std::optional<PathTemplate> path_;
  std::string extension_, content_type_;
  int quality_ = 90;
  bool fail_on_conflict_ = false, sync_ = true;
};

}  // namespace

std::unique_ptr<Task> make_write_images() { return std::make_unique<WriteImages>(); }

}  // namespace ride::tasks
