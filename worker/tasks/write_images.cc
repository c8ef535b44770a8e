// write_images: each picture becomes a file. It is encoded in process(); where the caller has a thread for it
// (Emitter::defer), several files are written and synced at once, while the next pictures are encoded. The ACK follows
// when the file is on the disk (sync).
#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>

#include <functional>
#include <memory>
#include <optional>

#include "common/log.h"
#include "common/source_file.h"
#include "worker/tasks/durable_file.h"
#include "worker/tasks/path_template.h"
#include "worker/tasks/paths_under_way.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/picture_format.h"
#include "worker/tasks/register_task.h"
#include "worker/tasks/shared_params.h"
#include "worker/tasks/written_log.h"

namespace ride::tasks::write_images {
namespace {

// Larger files are written one at a time: what waits for its turn is held in memory, whatever was read for it.
constexpr std::size_t kMostDeferredBytes = std::size_t{8} << 20;

struct Options {
  std::string path = "out/{source}/{session}/{seq}.jpg";
  int quality = 90;
  std::string on_conflict = "overwrite";
  bool sync = true;
};

const std::vector<std::string>& path_fields() {
  static const std::vector<std::string> kFields = {"job",     "run", "stage", "from",     "source",
                                                   "session", "seq", "file",  "file_stem"};
  return kFields;
}

std::optional<std::string> path_rule(const ParamValue& value) {
  return path_problem(std::get<std::string>(value), path_fields(), {"jpg", "jpeg", "png", "tif", "tiff", "bmp", "webp"},
                      "seq");
}

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"path",
       &Options::path,
       "Where to write, with {job} {run} {stage} {from} {source} {session} {seq} {file} {file_stem} filled in "
       "({seq:06}: "
       "with zeros; {from}: the source or stage that the picture comes from; {file}: the name of "
       "the picture's file in a directory source, with the folders within the source's; {file_stem}: "
       "without its extension); the extension says how it is encoded",
       {.rule = path_rule,
        .rule_doc = "holds {seq}, {file} or {file_stem}; ends in .jpg, .jpeg, .png, .tif, .tiff, .bmp or .webp, or "
                    "with {file}"}},
      quality_param(&Options::quality),
      {"on_conflict",
       &Options::on_conflict,
       "When a file of that name holds other bytes: overwrite it, or fail",
       {.choices = {"overwrite", "fail"}}},
      sync_param(&Options::sync)};
  return kParams;
}

TaskDecl declaration() {
  return {
      .name = "write_images",
      .doc =
          "Writes each picture as a file: under a temporary name, synced, then renamed, so that a file with its final "
          "name is whole. A frame that comes again after a failover gets the same name.",
      .params = params().specs(),
      .outputs = {},
      .sink = true,
      .files = {.param = "path", .hold = FilesDecl::Hold::frame, .fields = path_fields()}};
}

// Longer than any path that Linux takes.
constexpr std::size_t kLongestFile = 4096;

// The extension under which a type of file is known to us and to OpenCV; empty: none.
std::string encoding_of(const std::string& extension) {
  const auto* format = picture_format(extension);
  return format == nullptr ? std::string() : std::string(format->name);
}

std::string content_type_of(const std::string& extension) {
  if (extension == "jpg") return "image/jpeg";
  if (extension == "tif" || extension == "tiff") return "image/tiff";
  return "image/" + extension;
}

class WriteImages : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    auto path = PathTemplate::parse(options_.path, path_fields());
    if (!path) return path.error();
    path_.emplace(std::move(*path));
    if (auto allowed = check_output(options_.path); !allowed) return allowed;
    names_files_ = path_->uses("file") || path_->uses("file_stem");
    own_type_ = path_->ends_with("file");
    extension_ = encoding_of(path_->extension());
    log_ = WrittenLog(options_.path, env_.job, env_.stage);
    return {};
  }

  // Bytes that are what the file shall have are written as they came.
  bool needs_pixels(const Frame& frame) const override {
    const auto file = file_of(frame);
    return file.ok() && !keeps_bytes(frame, type_for(*file));
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    const auto file = file_of(frame);
    if (!file) return file.error();
    const auto extension = type_for(*file);
    if (extension.empty())
      return Error{
          ErrorCode::unsupported,
          fmt::format("{}: pictures cannot be written with the extension '{}'; name another one in 'path', for "
                      "example {{file_stem}}.png",
                      place(env_, frame), file_extension(*file))};
    const std::string path = path_->expand({{"job", env_.job},
                                            {"run", std::to_string(env_.run)},
                                            {"stage", env_.stage},
                                            {"from", frame.from},
                                            {"source", frame.id.source},
                                            {"session", std::to_string(frame.id.session.value)},
                                            {"seq", std::to_string(frame.id.number)},
                                            {"file", *file},
                                            {"file_stem", std::string(file_stem(*file))}});
    if (keeps_bytes(frame, extension)) return put(frame, path, {frame.encoded->bytes, frame.encoded->owner}, out);
    auto encoded = encode(frame, extension);
    if (!encoded) return encoded.error();
    const auto bytes = std::make_shared<const std::vector<std::uint8_t>>(std::move(*encoded));
    return put(frame, path, {*bytes, bytes}, out);
  }

 private:
  struct Bytes {
    std::span<const std::uint8_t> bytes;
    std::shared_ptr<const void> owner;
  };

  static bool keeps_bytes(const Frame& frame, const std::string& extension) {
    return frame.encoded && frame.encoded->content_type == content_type_of(extension) && !frame.encoded->bytes.empty();
  }
  std::string type_for(const std::string& file) const {
    return own_type_ ? encoding_of(file_extension(file)) : extension_;
  }

  // The name of the frame's own file, where the path asks for it; else empty.
  Result<std::string> file_of(const Frame& frame) const {
    if (!names_files_) return std::string();
    const auto found = frame.attributes.find(kSourceFileAttribute);
    if (found == frame.attributes.end())
      return Error{ErrorCode::invalid_argument,
                   fmt::format("{}: it came from no file, so there is nothing to put for {{file}} (frames of directory "
                               "sources have the attribute '{}'); use {{seq}} in 'path'",
                               place(env_, frame), kSourceFileAttribute)};
    if (found->second.empty() || found->second.size() > kLongestFile)
      return Error{ErrorCode::invalid_argument,
                   fmt::format("{}: its attribute '{}' has {} bytes, and a file's name has 1 to {}", place(env_, frame),
                               kSourceFileAttribute, found->second.size(), kLongestFile)};
    return found->second;
  }

  Result<std::vector<std::uint8_t>> encode(const Frame& frame, const std::string& extension) const {
    const PictureFormat& format = *picture_format(extension);
    const auto fit = expect_picture(env_, frame, format.depths, format.channels);
    if (!fit) {
      return Error{fit.error().code, fmt::format("{} in .{} files; choose .png or .tif, or convert the picture before",
                                                 fit.error().message, extension)};
    }
    auto bytes = encode_picture(frame.image, format, options_.quality);
    if (bytes.empty()) {
      return Error{ErrorCode::unsupported,
                   fmt::format("{}: {} cannot be encoded as .{}; it may be too large for that format",
                               place(env_, frame), shape_text(frame.image), extension)};
    }
    return bytes;
  }

  Result<void> store(const std::string& path, std::span<const std::uint8_t> bytes) const {
    if (options_.on_conflict == "fail") {
      const auto place = OutputPlace::open(path, options_.sync);
      if (!place) return place.error();
      struct stat state {};
      if (::fstatat(place->folder(), place->name().c_str(), &state, AT_SYMLINK_NOFOLLOW) == 0) {
        if (holds_same_bytes(*place, bytes)) return {};
        return Error{ErrorCode::already_exists,
                     fmt::format("'{}' exists and holds other bytes; move it away, change 'path', or set on_conflict: "
                                 "overwrite",
                                 path)};
      }
    }
    auto file = DurableFile::create(path, {env_.job, env_.stage, env_.worker}, options_.sync);
    if (!file) return file.error();
    if (auto written = file->write(bytes); !written) return written;
    return file->commit();
  }

  Result<void> put(const Frame& frame, const std::string& path, const Bytes& content, Emitter& out) {
    Frame named = frame;  // its name and where it is from, without the picture
    named.image.release();
    named.owner.reset();
    named.encoded.reset();
    const auto turn = paths_.enter(path, out);
    std::function<Result<void>()> work = [this, named = std::move(named), path, content, turn]() -> Result<void> {
      auto stored = store(path, content.bytes);
      if (stored) {
        log_.note(named, path);
        return stored;
      }
      Error error = stored.error();
      error.message = place(env_, named) + ": " + error.message;
      return error;
    };
    const bool light = content.owner && content.bytes.size() <= kMostDeferredBytes;
    return light && out.defer(work) ? Result<void>() : work();
  }

  TaskEnv env_;
  Options options_;
  std::optional<PathTemplate> path_;
  std::string extension_;
  WrittenLog log_;
  PathsUnderWay paths_;
  bool names_files_ = false, own_type_ = false;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, WriteImages)

}  // namespace ride::tasks::write_images
