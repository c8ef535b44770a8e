// ride dead: what goes no further, why, and once more.
#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/core/dead_view.h"
#include "cli/core/fields.h"
#include "cli/core/half_block.h"
#include "cli/dead/dead_letters.h"
#include "cli/find_master.h"
#include "cli/kafka_settings.h"
#include "cli/tap/record_reader.h"
#include "cli/terminal.h"
#include "common/json.h"
#include "common/wording.h"
#include "process/whole_file.h"
#include "stream/frame_codec.h"

namespace ride::cli {
namespace {

struct DeadFlags {
  enum class What { list, show, replay } what = What::list;
  std::string target, place, save;
  bool json = false, picture = false, all = false;
  SettingFlags settings;
};

struct DeadTopics {
  DeadLetters letters;
  std::vector<std::string> topics;
};

Result<DeadTopics> open_dead_topics(const DeadFlags& flags, const Settings& settings) {
  RIDE_ASSIGN(const auto brokers, brokers_to_ask(settings));
  RIDE_ASSIGN(auto config, kafka_config(settings, brokers));
  RIDE_ASSIGN(auto reader, TapReader::open(config));
  RIDE_ASSIGN(const auto all, reader->topics());
  auto topics = dead_topics(flags.target, settings.text("prefix"), all);
  if (!topics.ok() || topics->empty()) {
    if (auto refused = reader->refusal(settings.text("prefix") + ".decisions")) return *refused;
  }
  if (!topics.ok()) return topics.error();
  return DeadTopics{DeadLetters(config), std::move(topics).value()};
}

ExitCode list(const DeadFlags& flags, const DeadTopics& place) {
  std::vector<DeadFrame> frames;
  for (const auto& topic : place.topics) {
    const auto read = place.letters.each(topic, [&](DeadLetter&& letter) {
      frames.push_back(std::move(letter.about));
      return true;
    });
    if (!read.ok()) return fail(read.error());
  }
  if (flags.json) {
    auto all = nlohmann::ordered_json::array();
    for (const auto& frame : frames) all.push_back(dead_to_json(frame));
    print(json_line(nlohmann::ordered_json{{"dead", all}}));
    return ExitCode::ok;
  }
  if (frames.empty()) {
    print(fmt::format("no dead frames in {}\n", counted(place.topics.size(), "topic")));
    return ExitCode::ok;
  }
  const auto terminal = stdout_terminal();
  print(render_dead(frames, terminal.style, terminal.width, system_now()));
  return ExitCode::ok;
}

Result<void> save(const DeadLetter& letter, const std::string& file) {
  const auto& bytes =
      letter.set.frames.empty() ? letter.set.refused->payload.bytes : letter.set.frames.front().payload.bytes;
  return process::write_whole_file(file, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Result<void> draw(const DeadLetter& letter) {
  if (letter.set.frames.empty())
    return Error{ErrorCode::unsupported, "the record is not a frame, so it has no picture"};
  RIDE_ASSIGN(auto frame, stream::to_frame(letter.set.frames.front(), std::nullopt, 0));
  const Terminal terminal = stdout_terminal();
  const int columns = terminal.width == 0 ? 80 : static_cast<int>(terminal.width);
  const int lines = terminal.height < 12 ? 40 : static_cast<int>(terminal.height) - 2;
  print(picture_text(frame.image, {.columns = columns, .lines = lines, .colour = terminal.style.colour}));
  return {};
}

Result<DeadLetter> find_one(const DeadFlags& flags, const DeadTopics& place) {
  RIDE_ASSIGN(const auto where, parse_place(flags.place));
  if (place.topics.size() != 1)
    return Error{ErrorCode::invalid_argument,
                 "name the stage, too: JOB/STAGE (the job has " + std::to_string(place.topics.size()) + " stages)"};
  return place.letters.find(place.topics.front(), where);
}

ExitCode show(const DeadFlags& flags, const DeadTopics& place) {
  const auto letter = find_one(flags, place);
  if (!letter.ok()) return fail(letter.error());
  if (flags.json) {
    auto json = dead_to_json(letter->about);
    for (const auto& [name, value] : letter->headers) json["headers"][name] = value;
    print(json_line(json));
  } else {
    print(render_headers(letter->headers));
    print(fmt::format("value: {}\n", format_byte_size({letter->about.bytes})));
  }
  if (!flags.save.empty()) {
    if (const auto saved = save(*letter, flags.save); !saved.ok()) return fail(saved.error());
    if (!flags.json) print("saved to " + flags.save + "\n");
  }
  if (flags.picture)
    if (const auto drawn = draw(*letter); !drawn.ok()) return fail(drawn.error());
  return ExitCode::ok;
}

// A job that is over reads nothing any more; the letter names its job.
Result<RunNumber> run_of(MasterClient& master, const std::string& target) {
  const auto name = target.substr(0, target.find('/'));
  const auto job = master.fetch("/jobs/" + url_encoded(name));
  if (!job.ok()) return job.error().code == ErrorCode::not_found ? no_such_job(master, name) : job.error();
  const auto phase = text_of(*job, "phase");
  if (phase != "running" && phase != "paused")
    return Error{ErrorCode::invalid_argument,
                 fmt::format("job {} {}: nothing would read the frame. Submit the topology "
                             "again and send the pictures (`ride dead show --save`)",
                             name, phase_in_words(phase))};
  return RunNumber{count_of(*job, "run")};
}

ExitCode replay(const DeadFlags& flags, const DeadTopics& place, const Settings& settings) {
  auto master = find_master(settings);
  if (!master.ok()) return fail(master.error());
  const auto run = run_of(*master, flags.target);
  if (!run.ok()) return fail(run.error());
  std::vector<DeadLetter> letters;
  if (flags.all == !flags.place.empty())
    return fail({ErrorCode::invalid_argument, "name one frame (PARTITION/OFFSET), or all of the stage with --all"});
  int sent = 0;
  std::optional<Error> failure;
  const auto send = [&](const DeadLetter& letter) {
    const auto done = place.letters.replay(letter, *run, system_now());
    if (!done.ok()) {
      failure = done.error();
      if (done.error().code == ErrorCode::unsupported) print_error(done.error().message);
      return done.error().code == ErrorCode::unsupported && flags.all;
    }
    ++sent;
    print(fmt::format("{} goes into {} again as a new frame\n", one_line(to_string(*letter.about.frame)),
                      one_line(to_string(letter.about.notice.at))));
    return true;
  };
  if (!flags.all) {
    const auto letter = find_one(flags, place);
    if (!letter.ok()) return fail(letter.error());
    send(*letter);
  } else {
    for (const auto& topic : place.topics)
      if (const auto read = place.letters.each(topic, [&](DeadLetter&& letter) { return send(letter); }); !read.ok())
        return fail(read.error());
  }
  if (failure && failure->code != ErrorCode::unsupported) return fail(*failure);
  return sent == 0 ? ExitCode::failed : ExitCode::ok;
}

ExitCode run(const DeadFlags& flags) {
  const auto settings = flags.settings.resolve();
  if (!settings.ok()) return fail(settings.error());
  const auto place = open_dead_topics(flags, *settings);
  if (!place.ok()) return fail(place.error());
  switch (flags.what) {
    case DeadFlags::What::list:
      return list(flags, *place);
    case DeadFlags::What::show:
      return show(flags, *place);
    case DeadFlags::What::replay:
      return replay(flags, *place, *settings);
  }
  return ExitCode::failed;
}

CLI::App& add_action(CLI::App& dead, DeadFlags& flags, DeadFlags::What what, const char* name, const char* summary) {
  auto& action = *dead.add_subcommand(name, summary);
  action.callback([&flags, what] { flags.what = what; });
  auto* target = action.add_option("TARGET", flags.target, "JOB, JOB/STAGE of the latest run, or a dead topic");
  if (what != DeadFlags::What::list) target->required();
  flags.settings.declare(action,
                         {"brokers", "prefix", "kafka-config", "max-message-bytes", "state", "master", "token-file"});
  return action;
}

}  // namespace

void add_dead_command(Program& program) {
  auto flags = std::make_shared<DeadFlags>();
  auto& dead = program.add("Jobs", "dead", "Frames that went no further: list them, look at one, run it again",
                           "  ride dead list                              of all jobs\n"
                           "  ride dead list street --json\n"
                           "  ride dead show street/people 2/1042 --save frame.jpg\n"
                           "  ride dead replay street/people 2/1042       once the task is fixed\n"
                           "  ride dead replay street/people --all",
                           [flags] { return run(*flags); });
  dead.require_subcommand(1);
  add_json_flag(add_action(dead, *flags, DeadFlags::What::list, "list", "Each dead frame: stage, place, reason, tries"),
                flags->json);
  auto& show = add_action(dead, *flags, DeadFlags::What::show, "show", "One of them: headers, and its picture");
  show.add_option("PLACE", flags->place, "PARTITION/OFFSET, as the list shows it")->required();
  show.add_option("--save", flags->save, "Write the value into this file, as it is");
  show.add_flag("--show", flags->picture, "Show the picture in the terminal");
  add_json_flag(show, flags->json);
  auto& replay = add_action(
      dead, *flags, DeadFlags::What::replay, "replay",
      "Write it into the input of its stage again, as a new frame with the old name; never into an adopted topic");
  replay.add_option("PLACE", flags->place, "PARTITION/OFFSET, as the list shows it");
  replay.add_flag("--all", flags->all, "All of the stage");
}

}  // namespace ride::cli
