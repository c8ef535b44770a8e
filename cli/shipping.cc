#include "cli/shipping.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <random>

#include "cli/core/fields.h"
#include "cli/core/files_brokers.h"
#include "cli/kafka_settings.h"
#include "cli/local/run_folder.h"
#include "cli/local/yaml_places.h"
#include "common/sha256.h"
#include "common/units.h"
#include "plugin/describe.h"
#include "stream/control_client.h"
#include "stream/kafka/admin.h"
#include "stream/kafka/reader.h"
#include "stream/kafka/secret_settings.h"
#include "stream/kafka/writer.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::cli {
namespace {

constexpr std::size_t kHashBytes = 1 << 20;
constexpr std::int64_t kInFlightBytes = 16 << 20;

Error unusable_file(ErrorCode code, const std::string& path, const std::string& why) {
  return {code, fmt::format("the file {} {}", path, why)};
}

Result<std::shared_ptr<const std::string>> read_at(int file, const std::string& path, std::int64_t at,
                                                   std::size_t bytes) {
  auto text = std::make_shared<std::string>(bytes, '\0');
  for (std::size_t have = 0; have < bytes;) {
    const ssize_t got =
        ::pread(file, text->data() + have, bytes - have, static_cast<off_t>(at + static_cast<std::int64_t>(have)));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return unusable_file(ErrorCode::permission, path, fmt::format("cannot be read: {}", std::strerror(errno)));
    if (got == 0)
      return unusable_file(ErrorCode::invalid_argument, path, "became shorter while it was read; submit again");
    have += static_cast<std::size_t>(got);
  }
  return std::shared_ptr<const std::string>(std::move(text));
}

// A pipe or a device without an end is not waited for.
Result<NamedFile> open_file(const std::string& path, std::int64_t most) {
  NamedFile named;
  named.path = path;
  named.file = process::Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat about {};
  if (!named.file.ok() || ::fstat(named.file.get(), &about) != 0)
    return unusable_file(errno == ENOENT ? ErrorCode::not_found : ErrorCode::permission, path,
                         errno == ENOENT ? "is not there" : fmt::format("cannot be read: {}", std::strerror(errno)));
  if (!S_ISREG(about.st_mode)) return unusable_file(ErrorCode::invalid_argument, path, "is no regular file");
  if (about.st_size == 0) return unusable_file(ErrorCode::invalid_argument, path, "is empty");
  if (about.st_size > most)
    return unusable_file(ErrorCode::resource_exhausted, path,
                         fmt::format("has {} bytes; at most {} are taken here", about.st_size, most));
  named.ref.size = about.st_size;
  named.ref.name = stream::artifact_name(std::filesystem::path(path).filename().string());
  return named;
}

Result<std::string> hash_of_file(const NamedFile& named, const stream::Stopped& stopped) {
  Sha256 sum;
  for (std::int64_t at = 0; at < named.ref.size;) {
    if (stopped()) return Error{ErrorCode::cancelled, "stopped"};
    const auto bytes = static_cast<std::size_t>(std::min<std::int64_t>(kHashBytes, named.ref.size - at));
    RIDE_ASSIGN(const auto text, read_at(named.file.get(), named.path, at, bytes));
    sum.add(*text);
    at += static_cast<std::int64_t>(bytes);
  }
  return sum.hex();
}

std::string new_upload() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}", static_cast<std::uint32_t>(device()), static_cast<std::uint32_t>(device()));
}

std::string fix_for_file(const std::string& value) {
  const std::string node = fmt::format("or write {}{} if each node has it by itself", kNodePrefix, value);
  std::error_code failed;
  return std::filesystem::path(value).is_absolute() ? "correct it, " + node
                                                    : fmt::format("correct it (relative paths begin in {}), {}",
                                                                  std::filesystem::current_path(failed).string(), node);
}

class FileFinder {
 public:
  // Without `stopped` their content is not read.
  FileFinder(const TopologyFile& topology, stream::Stopped stopped)
      : topology_(topology), stopped_(std::move(stopped)), yaml_(topology::read_yaml(topology.text)) {}

  Result<NamedFiles> find() {
    for (const auto& stage : topology_.topology().stages()) {
      const auto* task = tasks::builtin_catalog().find(stage.task);
      if (task == nullptr) continue;
      for (const auto& param : task->params) {
        const auto value = stage.params.find(param.name);
        if (!param.file || value == stage.params.end() || is_on_node(param, value->second)) continue;
        RIDE_TRY(look_at(stage, param, std::get<std::string>(value->second)));
      }
    }
    for (const auto& plugin : topology_.named) RIDE_TRY(look_at(plugin));
    topology::sort_diagnostics(found_.missing);
    return std::move(found_);
  }

 private:
  Result<void> look_at(const topology::Stage& stage, const ParamSpec& param, const std::string& value) {
    const auto path = param.file->locate(value);
    if (!path.ok()) return report(stage, param, value, path.error());
    if (!*path) return {};
    auto named = open_file(**path, std::min(param.file->most_bytes, stream::kMostArtifactBytes));
    if (!named.ok()) return report(stage, param, value, named.error());
    if (!stopped_) return {};
    auto hash = hash_of_file(*named, stopped_);
    if (!hash.ok()) return report(stage, param, value, hash.error());
    named->ref.sha256 = *std::move(hash);
    named->stage = stage.name;
    named->param = param.name;
    named->value = value;
    named->ref.upload = new_upload();  // until it is known which one it is
    found_.files.push_back(*std::move(named));
    return {};
  }

  // What it declares was asked of these bytes.
  Result<void> look_at(const NamedPlugin& plugin) {
    if (!stopped_) return {};
    RIDE_ASSIGN(auto named, open_file(plugin.path, static_cast<std::int64_t>(plugin::kMostPluginBytes)));
    RIDE_ASSIGN(named.ref.sha256, hash_of_file(named, stopped_));
    if (named.ref.sha256 != plugin.sha256)
      return unusable_file(ErrorCode::invalid_argument, plugin.path, "was changed while it was read; submit again");
    named.value = plugin.value;
    named.declarations = plugin.declarations;
    named.ref.upload = new_upload();
    found_.files.push_back(std::move(named));
    return {};
  }

  Result<void> report(const topology::Stage& stage, const ParamSpec& param, const std::string& value,
                      const Error& error) {
    if (error.code == ErrorCode::cancelled) return error;
    const auto* at = stage_named(yaml_.root.get(), stage.name);
    if (const auto* written = child_of(child_of(at, "params"), param.name)) at = written;
    const auto place = at == nullptr ? topology::SourceLocation{} : at->place;
    found_.missing.push_back({.file = topology_.path == "-" ? "standard input" : topology_.path,
                              .line = place.line,
                              .column = place.column,
                              .length = place.length,
                              .message = fmt::format("'{}' of '{}': {}", param.name, stage.name, error.message),
                              .fix = fix_for_file(value)});
    return {};
  }

  const TopologyFile& topology_;
  const stream::Stopped stopped_;
  topology::YamlOutcome yaml_;
  NamedFiles found_;
};

}  // namespace

Result<NamedFiles> named_files(const TopologyFile& file, const stream::Stopped& stopped) {
  return FileFinder(file, stopped).find();
}

std::vector<topology::Diagnostic> missing_files(const TopologyFile& file) {
  auto found = FileFinder(file, {}).find();
  return found.ok() ? std::move(found->missing) : std::vector<topology::Diagnostic>();
}

std::string named_brokers(const Settings& settings) {
  if (!settings.is_default("brokers")) return settings.text("brokers");
  if (!settings.is_default("master")) return {};
  const auto running = running_in(settings.text("state"));
  return running ? running->brokers : std::string();
}

Result<ShippedFiles> none_named(MasterClient& master, const TopologyFile& file) {
  if (file.text.find("${") == std::string::npos) return ShippedFiles();
  RIDE_ASSIGN(const auto answer, master.get("/artifacts"));
  if (answer.status == 404) return ShippedFiles();  // of a version that takes no files
  if (!answer.ok()) return error_of(answer);
  return ShippedFiles(std::vector<ShippedFile>());
}

Result<ArtifactPlace> artifact_place(MasterClient& master, const Settings& settings, const std::string& brokers) {
  RIDE_ASSIGN(auto reply, master.get("/artifacts"));
  if (reply.status == 404)
    return Error{ErrorCode::unsupported,
                 fmt::format("the master at {} is of a version that takes no files: update it, or name files that each "
                             "node has by itself ({}PATH)",
                             reply.from, kNodePrefix)};
  if (!reply.ok()) return error_of(reply);
  ArtifactPlace place;
  place.topic = text_of(*reply.body, "topic");
  RIDE_ASSIGN(place.kafka, kafka_config(settings, {}));
  RIDE_ASSIGN(
      place.kafka.brokers,
      brokers_for_files({.named = brokers,
                         .told = text_of(*reply.body, "brokers"),
                         .master = reply.from,
                         .credentials = kafka::logs_in(place.kafka.extra) ? settings.text("kafka-config") : ""}));
  place.uses = std::move(*reply.body);
  return place;
}

Result<void> ship(const ArtifactPlace& place, const std::string& job, std::vector<NamedFile>& files,
                  const std::function<void(const std::string&)>& say, const stream::Stopped& stopped) {
  if (files.empty()) return {};
  RIDE_ASSIGN(const auto open, open_artifacts(place));
  if (auto good = stream::check_artifacts_topic(place.kafka, *open->admin, place.topic); !good.ok()) {
    if (good.error().code != ErrorCode::permission) return good.error();
    say(good.error().message + "; files are shipped without a look at them");
  }
  stream::ShipOptions options{.trusted = {}, .new_upload = new_upload, .say = say};
  // If what the job itself relies on is damaged, its workers say so, it fails, and the next submit looks at it.
  for (const auto& one : list_of(place.uses, "artifacts"))
    if (text_of(one, "job") == job) options.trusted.insert(text_of(one, "sha256") + "/" + text_of(one, "upload"));
  std::vector<stream::LocalArtifact> list;
  list.reserve(files.size());
  for (const auto& named : files)
    list.push_back({named.ref, named.path, [&named](std::int64_t at, std::size_t bytes) {
                      return read_at(named.file.get(), named.path, at, bytes);
                    }});
  RIDE_ASSIGN(const auto placed, stream::ship_artifacts(open->ports, list, options, stopped));
  for (auto& named : files) {
    const auto name = named.ref.name;  // of this mention: the same bytes may have several
    named.ref = placed.at(named.ref.sha256);
    named.ref.name = name;
  }
  return {};
}

Result<std::unique_ptr<OpenArtifacts>> open_artifacts(const ArtifactPlace& place) {
  RIDE_ASSIGN(auto admin, kafka::open_admin(place.kafka));
  RIDE_ASSIGN(auto reader,
              kafka::KafkaReader::open(place.kafka, {.group = "ride-control-reader", .reports_ends = true}));
  RIDE_ASSIGN(auto writer, kafka::KafkaWriter::open(place.kafka, {.queue_bytes = kInFlightBytes}));
  RIDE_TRY(writer->prepare(place.topic));
  return std::make_unique<OpenArtifacts>(std::move(admin), std::move(reader), std::move(writer), place.topic);
}

std::vector<ShippedFile> shipped(const std::vector<NamedFile>& files) {
  std::vector<ShippedFile> list;
  list.reserve(files.size());
  for (const auto& file : files) list.push_back({file.stage, file.param, file.value, file.ref, file.declarations});
  return list;
}

}  // namespace ride::cli
