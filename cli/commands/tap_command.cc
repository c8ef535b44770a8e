// ride tap: a look into a topic.
#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "cli/command.h"
#include "cli/core/fields.h"
#include "cli/core/half_block.h"
#include "cli/core/record_view.h"
#include "cli/core/tap_target.h"
#include "cli/find_master.h"
#include "cli/interrupt.h"
#include "cli/kafka_settings.h"
#include "cli/tap/adopted_topics.h"
#include "cli/tap/record_reader.h"
#include "cli/terminal.h"
#include "common/json.h"
#include "process/whole_file.h"
#include "stream/core/picture_info.h"
#include "stream/frame_codec.h"

namespace ride::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kDecisionsPatience{10};

struct TapFlags {
  std::string topic, from = "last", save, format, shape, depth, timeout = "10s";
  int count = 1, partition = -1;
  bool show = false, json = false;
  SettingFlags settings;
};

Result<TapRequest> request_of(const TapFlags& flags, const std::string& topic) {
  TapRequest request{.topic = topic, .partition = {}, .count = flags.count};
  if (flags.partition >= 0) request.partition = PartitionId{flags.partition};
  const auto timeout = parse_duration(flags.timeout);
  if (!timeout.ok()) return Error{ErrorCode::invalid_argument, "--timeout: " + timeout.error().message};
  request.timeout = *timeout;
  if (flags.from == "last") return request;
  if (flags.from == "beginning" || flags.from == "end") {
    request.from = flags.from == "end" ? TapFrom::end : TapFrom::beginning;
    return request;
  }
  if (flags.from.find_first_not_of("0123456789") != std::string::npos || flags.from.size() > 18) {
    return Error{ErrorCode::invalid_argument,
                 fmt::format("--from is '{}'; it takes last, beginning, end or an offset", flags.from)};
  }
  if (!request.partition)
    return Error{ErrorCode::invalid_argument, "an offset belongs to one partition: name it with --partition"};
  request.from = TapFrom::offset;
  request.offset = Offset{std::stoll(flags.from)};
  return request;
}

// What records without our headers hold: as the flags say, else as the stage reads them that was named.
stream::AdoptSpec records_of(const TapFlags& flags, const AdoptedTopics& adopted) {
  const auto stage = adopted.find(flags.topic);
  stream::AdoptSpec records = stage == adopted.end() ? stream::AdoptSpec{"image", "", ""} : stage->second.records;
  if (!flags.format.empty()) records.format = flags.format;
  if (!flags.shape.empty()) records.shape = flags.shape;
  if (!flags.depth.empty()) records.depth = flags.depth;
  if (records.depth.empty() && !records.shape.empty()) records.depth = "8u";
  return records;
}

// A topic that is there need not be looked up.
AdoptedTopics look_up(const TapFlags& flags, const kafka::ClientConfig& config, const std::string& prefix,
                      const std::vector<std::string>& topics) {
  const auto is_there = [&](const std::string& name) { return std::count(topics.begin(), topics.end(), name) > 0; };
  if (is_there(flags.topic) || !is_there(prefix + ".decisions")) return {};
  auto adopted = adopted_topics(config, prefix, kDecisionsPatience);
  if (adopted.ok()) return std::move(*adopted);
  print_error("which stages read topics of others is not known: " + adopted.error().message);
  return {};
}

std::string extension_of(const stream::Content& content) {
  return content.content_type == "image/jpeg" ? ".jpg" : content.content_type == "image/png" ? ".png" : ".raw";
}

class Tap {
 public:
  Tap(const TapFlags& flags, stream::AdoptSpec foreign, TapReader& reader)
      : flags_(flags), foreign_(std::move(foreign)), reader_(reader) {}

  bool handle(const stream::Record& record) {
    RecordFacts facts = facts_of(record);
    std::optional<Frame> picture;
    if (flags_.show || !flags_.save.empty()) {
      auto decoded = picture_of(record, facts);
      if (decoded.ok()) {
        picture = std::move(*decoded);
      } else if (!facts.frame || facts.frame->kind == stream::RecordKind::frame) {
        facts.problem = decoded.error().message;
        failed_ = true;
      }
    }
    if (picture && !flags_.save.empty()) save(*picture, facts);
    const Terminal terminal = stdout_terminal();
    const SystemTime now = system_now();
    print(flags_.json ? json_line(record_to_json(facts, now)) : render_record(facts, terminal.style, now));
    if (picture && flags_.show && !flags_.json) {
      const int columns = terminal.width == 0 ? 80 : static_cast<int>(terminal.width);
      const int lines = terminal.height < 12 ? 40 : static_cast<int>(terminal.height) - 2;
      print(picture_text(picture->image, {.columns = columns, .lines = lines, .colour = terminal.style.colour}));
    }
    return true;
  }
  bool failed() const { return failed_; }

 private:
  Result<Frame> picture_of(const stream::Record& record, const RecordFacts& facts) {
    if (!facts.problem.empty()) return Error{ErrorCode::corrupt, facts.problem};
    stream::WholeFrame whole{{}, {record.value, record.owner}};
    std::optional<stream::AdoptSpec> adopt;
    if (!facts.frame) {
      adopt = foreign_;
      whole.header.id = {record.at.topic, SessionId{record.at.partition.value}, record.offset.value};
    } else if (facts.frame->kind != stream::RecordKind::frame) {
      return Error{ErrorCode::not_found, "the record holds no picture"};
    } else if (facts.frame->chunk) {
      RIDE_ASSIGN(auto joined, reader_.join_chunks(record, *facts.frame));
      whole = std::move(joined);
    } else {
      whole.header = *facts.frame;
    }
    return stream::to_frame(whole, adopt, 0);
  }

  void save(const Frame& frame, RecordFacts& facts) {
    auto content = encode(frame);
    if (!content.ok()) {
      facts.problem = content.error().message;
      failed_ = true;
      return;
    }
    std::error_code ignored;
    fs::create_directories(flags_.save, ignored);
    const fs::path file = fs::path(flags_.save) / fmt::format("{}-{}-{}{}", facts.at.topic, facts.at.partition.value,
                                                              facts.offset.value, extension_of(*content));
    const auto& bytes = content->payload.bytes;
    const auto written = process::write_whole_file(file, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    if (written.ok()) {
      facts.saved = file.string();
    } else {
      facts.problem = written.error().message;
      failed_ = true;
    }
  }

  // Encoded pictures keep their bytes; pixels become a PNG, which has no 32-bit values.
  static Result<stream::Content> encode(const Frame& frame) {
    if (frame.encoded) {
      stream::Content content{.content_type = frame.encoded->content_type, .pixels = {}, .payload = {}};
      content.payload = {frame.encoded->bytes, frame.encoded->owner};
      return content;
    }
    cv::Mat image = frame.image;
    if (image.depth() == CV_32F) image.convertTo(image, CV_16U, 65535);
    return stream::encode_picture(image, frame.owner, Codec{.encoding = PixelEncoding::png});
  }

  const TapFlags& flags_;
  const stream::AdoptSpec foreign_;  // what records without our headers hold
  TapReader& reader_;
  bool failed_ = false;
};

ExitCode tap(const TapFlags& flags) {
  const auto settings = flags.settings.resolve();
  if (!settings.ok()) return fail(settings.error());
  const auto brokers = brokers_to_ask(*settings);
  if (!brokers.ok()) return fail(brokers.error());
  auto config = kafka_config(*settings, *brokers);
  if (!config.ok()) return fail(config.error());
  Interrupt interrupt;
  auto reader = TapReader::open(*config);
  if (!reader.ok()) return fail(reader.error());
  const auto topics = (*reader)->topics();
  if (!topics.ok()) return fail(topics.error());
  const auto adopted = look_up(flags, *config, settings->text("prefix"), *topics);
  const auto topic = find_topic(flags.topic, settings->text("prefix"), *topics, adopted);
  if (!topic.ok()) {
    for (const auto& name : {flags.topic, settings->text("prefix") + ".decisions"})
      if (const auto refused = (*reader)->refusal(name)) return fail(*refused);
    return fail(topic.error());
  }
  const auto request = request_of(flags, *topic);
  if (!request.ok()) return fail(request.error());
  Tap tap(flags, records_of(flags, adopted), **reader);
  const auto count = (*reader)->read(
      *request, [&](const stream::Record& record) { return tap.handle(record); },
      [&] { return interrupt.requested(); });
  if (!count.ok()) return fail(count.error());
  if (interrupt.requested()) return interrupt.exit_code();
  if (*count == 0)
    return fail({ErrorCode::not_found, fmt::format("no record came from {} within {}", *topic, flags.timeout)});
  return tap.failed() ? ExitCode::failed : ExitCode::ok;
}

}  // namespace

void add_tap_command(Program& program) {
  auto flags = std::make_shared<TapFlags>();
  auto& command =
      program.add("Jobs", "tap", "Look into a topic: show the headers, and save the picture or show it in the terminal",
                  "  ride tap street/people --show              the newest frame that waits for a stage\n"
                  "  ride tap ride.street.1.boxes -n 5 --save pictures\n"
                  "  ride tap street/people -n 0 --from end     all new ones, until Ctrl-C\n"
                  "  ride tap frames --partition 0 --from 1042 --format raw --shape 900x900x1 --show\n"
                  "  ride tap ride.decisions -n 3 --json        other records, too",
                  [flags] { return tap(*flags); });
  command
      .add_option("TOPIC", flags->topic,
                  "A topic, or JOB/STAGE for a stage's input in the job's latest run, also where it adopts a topic")
      ->required();
  command.add_option("-n", flags->count, "How many records; 0: until Ctrl-C")
      ->check(CLI::Range(0, 1'000'000'000))
      ->capture_default_str();
  command.add_option("--from", flags->from, "last, beginning, end (new ones only), or an offset")
      ->capture_default_str();
  command.add_option("--partition", flags->partition, "Only this partition")->check(CLI::Range(0, 1'000'000'000));
  command.add_option("--save", flags->save,
                     "Write pictures into this folder (JPEG and PNG as they are, pixels as PNG)");
  command.add_flag("--show", flags->show, "Show pictures in the terminal");
  command
      .add_option("--format", flags->format,
                  "Of foreign records: image (JPEG or PNG), jpeg, png, raw; by default as the named stage reads them, "
                  "else image")
      ->check(CLI::IsMember({"image", "jpeg", "png", "raw"}));
  command.add_option("--shape", flags->shape, "Of foreign raw records: ROWSxCOLUMNSxCHANNELS; by default the stage's");
  command.add_option("--depth", flags->depth, "Of foreign raw records; by default the stage's, else 8u")
      ->check(CLI::IsMember({"8u", "16u", "32f"}));
  command.add_option("--timeout", flags->timeout, "How long to wait for a record")->capture_default_str();
  flags->settings.declare(command, {"brokers", "prefix", "kafka-config", "max-message-bytes", "state"});
  add_json_flag(command, flags->json);
}

}  // namespace ride::cli
