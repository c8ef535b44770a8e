#include "producer/sources/directory_source.h"

#include <fnmatch.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

#include "common/file_text.h"
#include "common/log.h"
#include "common/redact.h"
#include "common/source_file.h"
#include "producer/source_request.h"
#include "producer/sources/picture_frame.h"

namespace ride::producer {
namespace {

namespace fs = std::filesystem;

bool has_picture_ending(const std::string& name) {
  static constexpr std::array endings = {".jpg",  ".jpeg", ".jpe", ".png", ".bmp", ".dib", ".tif",
                                         ".tiff", ".webp", ".pgm", ".ppm", ".pbm", ".pnm"};
  std::string ending = fs::path(name).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::find(endings.begin(), endings.end(), ending) != endings.end();
}

bool matches(const DirectoryOptions& options, const std::string& relative) {
  const std::string name = fs::path(relative).filename().string();
  if (options.glob.empty() || options.glob == "*") return has_picture_ending(name);
  const bool whole_path = options.glob.find('/') != std::string::npos;
  return ::fnmatch(options.glob.c_str(), whole_path ? relative.c_str() : name.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0;
}

const std::string& shown(const DirectoryOptions& options) {
  return options.shown.empty() ? options.path : options.shown;
}

Error listing_error(const std::string& path, const std::error_code& code) {
  if (code == std::errc::permission_denied) {
    return {ErrorCode::permission,
            fmt::format("folder '{}' cannot be read: permission denied; let the user of the "
                        "producer read and enter it",
                        path),
            false};
  }
  if (code == std::errc::no_such_file_or_directory) {
    return {ErrorCode::not_found,
            fmt::format("folder '{}' does not exist on this node; correct the path, or name the node that "
                        "has it with 'node:'",
                        path),
            false};
  }
  if (code == std::errc::not_a_directory) {
    return {ErrorCode::invalid_argument,
            fmt::format("'{}' is not a folder; name the folder, and its files with 'glob:'", path), false};
  }
  return {ErrorCode::unavailable, fmt::format("folder '{}' cannot be listed ({})", path, code.message()), true};
}

// Adds what lies in `folder` (relative to the root; empty for the root itself).
std::error_code list_folder(const DirectoryOptions& options, const std::string& folder, std::vector<std::string>& files,
                            std::vector<std::string>& folders) {
  std::error_code code;
  fs::directory_iterator entry(fs::path(options.path) / folder, code);
  for (; !code && entry != fs::directory_iterator(); entry.increment(code)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with('.')) continue;
    const std::string relative = folder.empty() ? name : fmt::format("{}/{}", folder, name);
    std::error_code unreadable;  // a dangling link: left out, as everything that is no regular file
    if (entry->is_directory(unreadable)) {
      if (options.recursive && !entry->is_symlink(unreadable)) folders.push_back(relative);
    } else if (entry->is_regular_file(unreadable) && matches(options, relative)) {
      files.push_back(relative);
    }
  }
  return code;
}

// Empty: it is no file that can be looked at.
std::string version_of(const std::string& path) {
  struct stat state {};
  return ::stat(path.c_str(), &state) == 0 ? input_version(state) : std::string();
}

// Why what lies in it is missing: as it is now, for the list may be older than this process.
Error unlisted_folder(const DirectoryOptions& options, const std::string& name) {
  std::vector<std::string> files, folders;
  const auto path = (fs::path(shown(options)) / name).string();
  if (const std::error_code failed = list_folder(options, name.substr(0, name.size() - 1), files, folders)) {
    auto why = listing_error(path, failed);
    why.message += "; what is in it is left out";
    return why;
  }
  return {ErrorCode::permission,
          fmt::format("folder '{}' could not be read when its pictures were listed; a new run takes them", path)};
}

}  // namespace

Result<std::vector<std::string>> list_pictures(const DirectoryOptions& options) {
  std::error_code code;
  if (!fs::is_directory(options.path, code)) {
    return listing_error(shown(options), code ? code : std::make_error_code(std::errc::not_a_directory));
  }
  std::vector<std::string> files, folders = {""};
  std::optional<Error> unlisted;  // the first folder within that cannot be listed
  std::size_t unlisted_count = 0;
  while (!folders.empty()) {
    const std::string folder = std::move(folders.back());
    folders.pop_back();
    const std::error_code failed = list_folder(options, folder, files, folders);
    if (!failed) continue;
    auto why = listing_error((fs::path(shown(options)) / folder).string(), failed);
    if (folder.empty() || why.retriable) return why;
    if (!unlisted) unlisted = std::move(why);
    files.push_back(folder + "/");
    ++unlisted_count;
  }
  if (unlisted && unlisted_count == files.size()) return *unlisted;  // nothing else is there
  if (files.empty()) {
    return Error{ErrorCode::not_found,
                 fmt::format("folder '{}' holds no file that matches '{}'{}; correct 'glob:'{}", shown(options),
                             options.glob, options.glob == "*" ? " and has the extension of a picture" : "",
                             options.recursive ? "" : ", or take folders within it as well with 'recursive: true'"),
                 false};
  }
  std::sort(files.begin(), files.end());
  return files;
}

DirectorySource::DirectorySource(DirectoryOptions options, ItemManifest& manifest)
    : options_(std::move(options)), manifest_(manifest) {}

Result<void> DirectorySource::open(std::int64_t first) {
  if (!listed_) {
    auto names = manifest_.items([this] { return list(); });
    if (!names) return names.error();
    names_ = std::move(*names);
    done_ = std::count_if(names_.begin(), names_.end(), is_done);
    listed_ = true;
  }
  next_ = first;
  return {};
}

// A name that has another number by now is read again: what was written for it may have the old number in its name.
Result<std::vector<std::string>> DirectorySource::list() const {
  auto names = list_pictures(options_);
  if (!names) return names;
  for (const auto& [number, name] : options_.done)
    if (number >= 0 && number < static_cast<std::int64_t>(names->size()))
      if (auto& item = (*names)[static_cast<std::size_t>(number)]; item == name) item += kDoneMark;
  return names;
}

Result<Pulled> DirectorySource::next(std::chrono::milliseconds) {
  while (next_ < static_cast<std::int64_t>(names_.size()) && is_done(names_[static_cast<std::size_t>(next_)])) ++next_;
  if (next_ >= static_cast<std::int64_t>(names_.size())) return Pulled(SourceEnded{});
  return read(names_[static_cast<std::size_t>(next_++)]);
}

Pulled DirectorySource::read(const std::string& name) const {
  const std::int64_t number = next_ - 1;
  const std::string path = (fs::path(options_.path) / name).string();
  const std::string known = (fs::path(shown(options_)) / name).string();
  if (name.ends_with('/')) {
    auto why = unlisted_folder(options_, name).message;
    const std::string head = "folder '" + known + "' ";  // an item's name comes before its cause already
    if (why.starts_with(head)) why.erase(0, head.size());
    return RejectedItem{number, known, why};
  }
  // Before it is read: whoever changes it meanwhile makes another version of it, which a later run reads again.
  const auto version = options_.note_versions ? version_of(path) : std::string();
  auto frame = handled([&] { return frame_of(path, known, number); });
  if (!frame) return RejectedItem{number, known, frame.error().message};
  frame->number = number;
  frame->name = known;
  frame->attributes[kSourceFileAttribute] = name;
  if (!version.empty()) frame->attributes[kFileVersionAttribute] = version;
  return std::move(*frame);
}

Result<CapturedFrame> DirectorySource::frame_of(const std::string& path, const std::string& known,
                                                std::int64_t number) const {
  PictureLimits limits{.max_pixels = options_.max_pixels};
  std::optional<WorkBudget::Lease> lease;
  if (options_.watch != nullptr) {
    if (const auto why = options_.watch->quarantined(PartitionId{0}, Offset{number}))
      return Error{ErrorCode::cancelled, *why, false};
    lease.emplace(options_.watch->enter(PartitionId{0}, Offset{number}, "file " + known));
    limits.memory_bytes = options_.watch->memory_bytes();
    limits.reserve = [&lease](std::int64_t bytes) { lease->reserve(bytes); };
  }
  auto file = read_picture_file(path, limits, options_.wanted);
  if (!file) return file.error();
  auto bytes = std::make_shared<const std::vector<std::uint8_t>>(std::move(file->bytes));
  return picture_frame(file->info, *bytes, bytes, options_.wanted);
}

SourceState DirectorySource::state() const {
  return {.total = listed_ ? static_cast<std::int64_t>(names_.size()) : -1, .done = done_};
}

namespace {

bool is_set(const SourceRequest& request, const char* variable) {
  return !request.environment(variable).value_or("").empty();
}

// Whoever started this producer says what need not be read.
DoneItems done_before(const SourceRequest& request) {
  if (!is_set(request, kDoneVariable)) return {};
  return parse_done_items(
      file_text(fs::path(*request.environment(kDoneVariable)) / done_list_name(request.source.name)));
}

}  // namespace

MadeSource make_directory_source(const SourceRequest& request) {
  auto uri = filled_uri(request);
  if (!uri) return uri.error();
  return std::unique_ptr<Source>(
      std::make_unique<DirectorySource>(DirectoryOptions{.path = *uri,
                                                         .shown = redact(request.source.uri),
                                                         .glob = get_string(request.params, "glob"),
                                                         .recursive = get_bool(request.params, "recursive"),
                                                         .max_pixels = request.source.max_pixels,
                                                         .wanted = wanted_codecs(request.source),
                                                         .done = done_before(request),
                                                         .note_versions = is_set(request, kRecipeVariable),
                                                         .watch = &request.watch},
                                        request.manifest));
}

}  // namespace ride::producer
