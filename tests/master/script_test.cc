// Runs every story in scripts/*.txt against the core and compares what it does with what is written there.
#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/master/simulated_cluster.h"

namespace ride::master::test {
namespace {

using Lines = std::vector<std::string>;

Lines split(const std::string& text, char at) {
  Lines parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, at);)
    if (!part.empty()) parts.push_back(part);
  return parts;
}

// "a b=1 c=2": words without '=' in order, the others by name.
struct Command {
  explicit Command(const std::string& line) {
    for (const auto& word : split(line, ' ')) {
      const auto equals = word.find('=');
      if (equals == std::string::npos)
        words.push_back(word);
      else
        options[word.substr(0, equals)] = word.substr(equals + 1);
    }
  }
  std::string option(const std::string& name, const std::string& otherwise = "") const {
    const auto found = options.find(name);
    return found == options.end() ? otherwise : found->second;
  }
  int number(const std::string& name, int otherwise) const {
    return std::stoi(option(name, std::to_string(otherwise)));
  }
  std::string rest(std::size_t from) const {
    std::string text;
    for (auto i = from; i < words.size(); ++i) text += (text.empty() ? "" : " ") + words[i];
    return text;
  }

  Lines words;
  std::map<std::string, std::string> options;
};

StageKey stage_key(const std::string& text) {
  const auto parts = split(text, '/');
  return {JobName{parts.at(0)}, RunNumber{std::stoll(parts.at(1))}, StageName{parts.at(2)}};
}

std::vector<PartitionId> partitions(const std::string& text) {
  std::vector<PartitionId> all;
  for (const auto& part : split(text, ',')) {
    const auto dash = part.find('-');
    const int first = std::stoi(part), last = dash == std::string::npos ? first : std::stoi(part.substr(dash + 1));
    for (int p = first; p <= last; ++p) all.push_back(PartitionId{p});
  }
  return all;
}

stream::Heartbeat offer(const Command& command, ProcessKind kind) {
  stream::Heartbeat beat;
  beat.id = WorkerId{command.words.at(1)};
  beat.kind = kind;
  beat.node = NodeName{command.option("node", "n1")};
  beat.devices = split(command.option("devices", "cpu"), ',');
  beat.host = command.option("host");
  beat.pid = command.number("pid", 0);
  if (const int second = command.number("started", 0); second > 0)
    beat.started = SystemTime(std::chrono::seconds(1'800'000'000 + second));
  beat.cores = command.number("cores", 0);
  beat.memory_bytes = std::int64_t{command.number("memory_gb", 0)} << 30;
  if (const auto labels = split(command.option("label"), ':'); labels.size() == 2) beat.labels[labels[0]] = labels[1];
  return beat;
}

// Indented lines: "source gate finite", "stage clean from=gate partitions=4 min=2 spares=1", "sink album from=clean".
stream::JobSpec job_spec(const Lines& lines) {
  stream::JobSpec spec;
  spec.job = JobName{Command(lines.at(0)).words.at(1)};
  spec.finite = true;
  spec.priority = Command(lines.at(0)).number("priority", 0);
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const Command command(lines[i]);
    const auto& kind = command.words.at(0);
    if (kind == "source") {
      stream::SourceSpec source;
      source.name = command.words.at(1);
      source.finite = command.words.size() > 2 && command.words[2] == "finite";
      source.node = command.option("node");
      spec.finite = spec.finite && source.finite;
      spec.sources.push_back(source);
      continue;
    }
    stream::StageSpec stage;
    stage.name = command.words.at(1);
    stage.sink = kind == "sink";
    stage.task = command.option("task", "identity");
    stage.partitions = command.number("partitions", 2);
    stage.group.min = command.number("min", 1);
    stage.group.max = command.number("max", stage.group.min);
    stage.group.spares = command.number("spares", 0);
    stage.group.scaling.calm_ms = 1000 * command.number("calm", 30);
    stage.group.device = command.option("device", "cpu");
    stage.group.cores = command.number("cores", 0);
    stage.group.memory_bytes = std::int64_t{command.number("memory_gb", 0)} << 30;
    if (const auto labels = split(command.option("label"), ':'); labels.size() == 2)
      stage.group.labels[labels[0]] = labels[1];
    if (const auto param = command.option("file"); !param.empty())
      stage.artifacts[param] = {"net.onnx", std::string(64, 'a'), 7, std::string(16, 'b'), 3};
    const auto from = command.option("from");
    for (const auto& source : spec.sources)
      if (source.name == from) stage.upstreams.push_back({.name = from, .is_source = true});
    for (auto& upstream : spec.stages) {
      if (upstream.name != from) continue;
      upstream.outputs.push_back({.to = stage.name});
      stage.upstreams.push_back({.name = from, .partitions = upstream.partitions});
    }
    spec.stages.push_back(stage);
  }
  return spec;
}

class Story {
 public:
  Lines run(const Lines& lines) {
    const Command command(lines.at(0));
    const auto& verb = command.words.at(0);
    if (verb == "worker") {
      cluster_.load.set_speed(WorkerId{command.words.at(1)}, command.number("speed", 10));
      return cluster_.join(offer(command, ProcessKind::worker));
    }
    if (verb == "load") return load(command);
    if (verb == "scale" || verb == "hold") return scale(command);
    if (verb == "producer") return cluster_.join(offer(command, ProcessKind::producer));
    if (verb == "agent") return cluster_.join(offer(command, ProcessKind::agent));
    if (verb == "submit")
      return cluster_.submit(job_spec(lines), command.words.size() > 2 && command.words[2] == "replace");
    if (verb == "topics-ready" || verb == "topics-failed") return topics(command);
    if (verb == "tick") return ticks(command);
    if (verb == "silent" || verb == "speaks" || verb == "cold" || verb == "warm") return mark(command);
    if (verb == "exit" || verb == "goodbye" || verb == "release" || verb == "notice") return report(command);
    if (verb == "end") return cluster_.end_stage(stage_key(command.words.at(1)), partitions(command.words.at(2)));
    if (verb == "end-source") {
      const auto key = stage_key(command.words.at(1));
      return cluster_.end_source({key.job, key.run, key.stage.value}, command.number("frames", 0));
    }
    if (verb == "restart-master") return cluster_.restart_master();
    if (verb == "show") return cluster_.show();
    if (const auto phase = parse_phase_command(verb))
      return cluster_.handle({PhaseRequest{.ticket = 99,
                                           .job = JobName{command.words.at(1)},
                                           .command = *phase,
                                           .delete_topics = command.option("topics") == "delete"}});
    return {"unknown command: " + verb};
  }

  const SimulatedCluster& cluster() const { return cluster_; }

 private:
  // "load street/1/clean fps=30"
  Lines load(const Command& command) {
    cluster_.load.set_arrival(stage_key(command.words.at(1)), command.number("fps", 0));
    return {};
  }

  // "scale street clean 3", "scale street clean auto", "hold street clean"
  Lines scale(const Command& command) {
    ScaleRequest request{.ticket = 98, .job = JobName{command.words.at(1)}, .stage = StageName{command.words.at(2)}};
    const auto size = command.words.size() > 3 ? command.words[3] : std::string();
    if (size == "auto")
      request.hold = false;
    else if (!size.empty())
      request.workers = std::stoi(size);
    return cluster_.handle({request});
  }

  Lines topics(const Command& command) {
    const auto parts = split(command.words.at(1), '/');
    TopicsOutcome outcome{JobName{parts.at(0)}, RunNumber{std::stoll(parts.at(1))}, std::nullopt};
    if (command.words[0] == "topics-failed") outcome.failure = command.rest(2);
    return cluster_.handle({outcome});
  }

  Lines ticks(const Command& command) {
    Lines said;
    const int count = command.words.size() > 1 ? std::stoi(command.words[1]) : 1;
    for (int i = 0; i < count; ++i) {
      const auto more = cluster_.tick(std::chrono::milliseconds(command.number("after_ms", 100)));
      if (!more.empty()) said.push_back(fmt::format("at tick {}:", i + 1));
      said.insert(said.end(), more.begin(), more.end());
    }
    return said;
  }

  Lines mark(const Command& command) {
    for (std::size_t i = 1; i < command.words.size(); ++i) {
      auto& process = cluster_.processes.at(WorkerId{command.words[i]});
      if (command.words[0] == "silent" || command.words[0] == "speaks") process.silent = command.words[0] == "silent";
      if (command.words[0] == "cold" || command.words[0] == "warm") process.cold = command.words[0] == "cold";
    }
    return {};
  }

  Lines report(const Command& command) {
    const WorkerId id{command.words.at(1)};
    if (command.words[0] == "release") return cluster_.release(id);
    if (command.words[0] == "notice")
      return cluster_.report(
          stream::Notice{.code = "topic_gone", .text = command.rest(2), .job = id.value, .fatal_for_job = true});
    cluster_.processes.at(id).silent = true;
    if (command.words[0] == "goodbye") return cluster_.report(stream::Goodbye{id, command.rest(2)});
    return cluster_.report(child_exit(command));
  }

  // "exit w1#a signal=11 frame=film/1/clean/0/17": with the frame at offset 17 of partition 0 inside process().
  static stream::ChildExit child_exit(const Command& command) {
    stream::ChildExit exit{.child = WorkerId{command.words.at(1)},
                           .exit_code = command.number("code", -1),
                           .signal = command.number("signal", 0),
                           .ordered = command.words.size() > 2 && command.words[2] == "ordered",
                           .orderly = command.words.size() > 2 && command.words[2] == "orderly"};
    for (const auto cause : {stream::ExitCause::hang, stream::ExitCause::memory, stream::ExitCause::outside})
      if (command.option("cause") == stream::to_string(cause)) exit.cause = cause;
    for (const auto& named : split(command.option("frame"), ',')) {
      const auto parts = split(named, '/');
      exit.frames.push_back({JobName{parts.at(0)}, RunNumber{std::stoll(parts.at(1))}, StageName{parts.at(2)},
                             PartitionId{std::stoi(parts.at(3))}, Offset{std::stoll(parts.at(4))},
                             (exit.child.value.starts_with("p") ? "record plates/0/" : "gate/1/") + parts.at(4)});
    }
    return exit;
  }

  SimulatedCluster cluster_;
};

std::string play(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::ostringstream out;
  Story story;
  Lines command;
  bool in_answer = false;
  for (std::string line; std::getline(in, line);) {
    if (in_answer) {
      if (line.empty()) in_answer = false;
      continue;
    }
    out << line << "\n";
    if (line.empty() || line[0] == '#') continue;
    if (line != "----") {
      command.push_back(line);
      continue;
    }
    for (const auto& said : story.run(command)) out << said << "\n";
    out << "\n";
    command.clear();
    in_answer = true;
    if (const auto wrong = find_violation(story.cluster().state().hard)) out << "VIOLATION: " << *wrong << "\n";
  }
  if (story.cluster().failures > 0) out << "VIOLATION: " << story.cluster().failures << " decisions did not count\n";
  return out.str();
}

class ScriptTest : public ::testing::TestWithParam<std::string> {};

TEST_P(ScriptTest, TheMasterDoesWhatTheStorySays) {
  const std::filesystem::path path = std::filesystem::path(RIDE_SCRIPTS) / (GetParam() + ".txt");
  const auto played = play(path);
  if (std::getenv("RIDE_REWRITE") != nullptr) {
    std::ofstream(path) << played;
    return;
  }
  std::ifstream in(path);
  const std::string written((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(written, played) << "if this change is meant, run again with RIDE_REWRITE=1";
}

Lines stories() {
  Lines names;
  for (const auto& entry : std::filesystem::directory_iterator(RIDE_SCRIPTS))
    if (entry.path().extension() == ".txt") names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Stories, ScriptTest, ::testing::ValuesIn(stories()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace ride::master::test
