#include "ledger/core/statement.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/text.h"
#include "common/wording.h"

namespace ride::ledger {

namespace {

constexpr std::size_t kExamples = 5, kNamed = 1000;

using FramesBySession = std::map<SessionKey, NumberTally>;

std::string name_of(const SessionKey& session_key, std::int64_t number) {
  auto name = fmt::format("{}/{}/{}", session_key.source, session_key.session, number);
  if (session_key.groups == 0) return name;
  return fmt::format("{} (tiles {}/{})", name, session_key.group + 1, session_key.groups);
}

const Inflow& inflow_of(const TopicAudit& topic_audit, const std::string& upstream) {
  static const Inflow kNone;
  const auto found = topic_audit.inflows.find(upstream);
  return found == topic_audit.inflows.end() ? kNone : found->second;
}

std::int64_t count_of(const FramesBySession& frames) {
  std::int64_t count = 0;
  for (const auto& [session_key, tally] : frames) count += tally.total();
  return count;
}

// All that a stage was given, over its upstreams.
FramesBySession given_to(const TopicAudit& topic_audit) {
  FramesBySession given;
  for (const auto& [upstream, inflow] : topic_audit.inflows)
    for (const auto& [session_key, tally] : inflow.all) given[session_key].add(tally);
  return given;
}

// Compares what `from` was given with what came of it: what was given k times must arrive k times.
void compare(const FramesBySession& given, const FramesBySession& arrived, FlowLine& line) {
  static const NumberTally kNone;
  const auto note = [&line](const SessionKey& session_key, const NumberSet& numbers,
                            std::vector<FlowLine::Frame>& list) {
    for (const auto number : numbers.first(kNamed)) {
      if (list.size() < kNamed) list.push_back({session_key, number});
      if (line.examples.size() < kExamples) line.examples.push_back(name_of(session_key, number));
    }
    return numbers.size();
  };
  const auto tally_of = [](const FramesBySession& all, const SessionKey& session_key) -> const NumberTally& {
    const auto found = all.find(session_key);
    return found == all.end() ? kNone : found->second;
  };
  for (const auto& [session_key, wanted] : given) {
    const auto& there = tally_of(arrived, session_key);
    for (int level = 0; level < wanted.levels(); ++level)
      line.missing += note(session_key, wanted.seen(level).minus(there.seen(level)), line.missing_frames);
  }
  for (const auto& [session_key, there] : arrived) {
    const auto& wanted = tally_of(given, session_key);
    line.ahead += there.seen(0).minus(wanted.seen(0)).size();
    for (int level = 1; level < there.levels(); ++level)
      line.twice += note(session_key, there.seen(level).minus(wanted.seen(level)), line.twice_frames);
  }
  line.expected = count_of(given);
  line.arrived = count_of(arrived);
}

using TileGroups = std::map<std::pair<int, int>, const NumberTally*>;  // by groups and group; (0, 0): whole frames

std::map<SessionKey, TileGroups> by_frame(const FramesBySession& sets) {
  std::map<SessionKey, TileGroups> frames;
  for (const auto& [key, tally] : sets) frames[{key.source, key.session}][{key.groups, key.group}] = &tally;
  return frames;
}

int levels_of(const TileGroups& groups) {
  int levels = 0;
  for (const auto& [group, tally] : groups) levels = std::max(levels, tally->levels());
  return levels;
}

// Frames that came in any set of their tiles, as often as the one that came most often.
FramesBySession in_any_group(const FramesBySession& sets) {
  FramesBySession frames;
  for (const auto& [key, groups] : by_frame(sets))
    for (int level = 0; level < levels_of(groups); ++level) {
      NumberSet seen;
      for (const auto& [group, tally] : groups) seen.add(tally->seen(level));
      frames[key].add(seen);
    }
  return frames;
}

// ... and in all of their sets, or as a whole.
FramesBySession in_all_groups(const FramesBySession& sets) {
  FramesBySession frames;
  for (const auto& [key, groups] : by_frame(sets))
    for (int level = 0; level < levels_of(groups); ++level) {
      NumberSet seen;
      for (auto at = groups.begin(); at != groups.end();) {
        const auto [count, first] = at->first;
        NumberSet common = at->second->seen(level);
        int found = 0;
        for (; at != groups.end() && at->first.first == count; ++at, ++found)
          common = common.common_with(at->second->seen(level));
        if (count == 0 || found == count) seen.add(common);
      }
      frames[key].add(seen);
    }
  return frames;
}

// What a split was given must arrive in every set of its tiles.
void compare_cut(const FramesBySession& given, const FramesBySession& arrived, FlowLine& line) {
  compare(in_any_group(given), in_all_groups(arrived), line);
  FlowLine any;
  compare(in_any_group(given), in_any_group(arrived), any);
  line.twice = any.twice;
  line.twice_frames = std::move(any.twice_frames);
  line.ahead = any.ahead;
}

// What a stage does to the sets of a frame's tiles.
enum class Sets { keeps, cuts, joins };

FlowLine flow(const Audit& audit, const std::string& from, const std::string& topic, const std::string& to,
              const FramesBySession& given, Sets sets) {
  FlowLine line{.from = from, .topic = topic, .to = to};
  const auto& topic_audit = audit.of(topic);
  line.repeated = topic_audit.repeated;
  for (const auto& [session_key, numbers] : inflow_of(topic_audit, from).hidden) line.hidden += numbers.size();
  const auto& arrived = inflow_of(topic_audit, from).all;
  switch (sets) {
    case Sets::keeps:
      compare(given, arrived, line);
      break;
    case Sets::cuts:
      compare_cut(given, arrived, line);
      break;
    case Sets::joins:
      compare(in_any_group(given), in_any_group(arrived), line);
      break;
  }
  if (topic_audit.unseen > 0) line.explained = line.missing;  // it may have been among what was deleted
  return line;
}

// A source has no input topic: what any of its topics holds was sent, and must be in all of them.
void add_source(const stream::SourceSpec& source, const Audit& audit, Statement& out) {
  std::map<SessionKey, NumberSet> sent;
  for (const auto& output : source.outputs) {
    const auto& inflow = inflow_of(audit.of(output.topic), source.name);
    for (const auto& [session_key, tally] : inflow.all) sent[session_key].add(tally.seen(0));
    for (const auto& [session_key, numbers] : inflow.hidden) sent[session_key].add(numbers);
  }
  FramesBySession given;
  for (const auto& [session_key, numbers] : sent) {
    given[session_key].add(numbers);
    out.sent += numbers.size();
  }
  for (const auto& output : source.outputs)
    out.flows.push_back(flow(audit, source.name, output.topic, output.to, given, Sets::keeps));
}

// A stage that does not work on tiles and writes for one that does has cut them; one that is given tiles and writes for
// another kind hands them to a merge, or is the merge.
Sets sets_of(const stream::StageSpec& stage, const stream::OutputSpec& output) {
  if (stage.partition_by == stream::PartitionBy::tile) return Sets::keeps;
  return output.partition_by == stream::PartitionBy::tile ? Sets::cuts : Sets::joins;
}

StageLine stage_line(const stream::StageSpec& stage, const Audit& audit, const Counted& counted) {
  StageLine line{.stage = stage.name, .topic = stage.topic, .counted = counted};
  const auto& topic_audit = audit.of(stage.topic);
  for (const auto& [upstream, inflow] : topic_audit.inflows) {
    line.in += count_of(inflow.all);
    line.rejected += inflow.rejected;
  }
  line.rejected = std::min(line.rejected, counted.dropped);
  line.repeated = topic_audit.repeated;
  line.unseen = topic_audit.unseen;
  line.in_flight = line.in + line.unseen - counted.sum();
  return line;
}

}  // namespace

Statement make_statement(const stream::JobSpec& spec, const Audit& audit,
                         const std::map<std::string, Counted>& counted) {
  Statement statement;
  for (const auto& source : spec.sources) add_source(source, audit, statement);
  for (const auto& stage : spec.stages) {
    const auto found = counted.find(stage.name);
    const auto& own = found == counted.end() ? Counted{} : found->second;
    statement.stages.push_back(stage_line(stage, audit, own));
    const auto given = given_to(audit.of(stage.topic));
    for (const auto& output : stage.outputs) {
      auto line = flow(audit, stage.name, output.topic, output.to, given, sets_of(stage, output));
      if (output.to.empty())
        line.explained = std::max(line.explained, std::min(line.missing, own.filtered + own.dropped + own.dead));
      statement.flows.push_back(std::move(line));
    }
  }
  return statement;
}

std::int64_t Statement::open() const {
  std::int64_t open = 0;
  for (const auto& flow : flows) open += flow.missing - flow.explained;
  // Where records were deleted unseen, nobody knows how many frames they were.
  for (const auto& stage : stages) open += stage.unseen > 0 ? 0 : std::max<std::int64_t>(0, stage.in_flight);
  return open;
}

std::int64_t Statement::twice() const {
  std::int64_t twice = 0;
  for (const auto& flow : flows) twice += flow.twice;
  for (const auto& stage : stages) twice += std::max<std::int64_t>(0, -stage.in_flight);
  return twice;
}

std::int64_t Statement::redelivered() const {
  std::int64_t repeated = 0;
  for (const auto& flow : flows) repeated += flow.repeated;
  return repeated;
}

std::int64_t Statement::hidden() const {
  std::int64_t hidden = 0;
  for (const auto& flow : flows) hidden += flow.hidden;
  return hidden;
}

std::int64_t Statement::unseen() const {
  std::int64_t unseen = 0;
  for (const auto& stage : stages) unseen += stage.unseen;
  return unseen;
}

bool Statement::clean() const {
  std::int64_t ahead = 0;
  for (const auto& flow : flows) ahead += flow.ahead;
  return open() == 0 && twice() == 0 && (ahead == 0 || unseen() > 0);
}

std::string to_text(const Statement& statement, bool at_rest) {
  std::string text = fmt::format("{:<16} {:>9} {:>9} {:>9} {:>8} {:>8} {:>6} {:>8} {:>9}\n", "stage", "in", "ACKed",
                                 "filtered", "dropped", "rejected", "dead", "expired", "in flight");
  for (const auto& one : statement.stages)
    text += fmt::format("{:<16} {:>9} {:>9} {:>9} {:>8} {:>8} {:>6} {:>8} {:>9}\n", one.stage, one.in,
                        one.counted.acked, one.counted.filtered, one.counted.dropped - one.rejected, one.rejected,
                        one.counted.dead, one.counted.expired, one.in_flight);
  text += fmt::format("\n{:<16} {:<28} {:>9} {:>9} {:>9} {:>6} {:>12}\n", "from", "into", "expected", "arrived",
                      at_rest ? "missing" : "in flight", "twice", "written again");
  for (const auto& one : statement.flows) {
    text += fmt::format("{:<16} {:<28} {:>9} {:>9} {:>9} {:>6} {:>12}\n", one.from, one.topic, one.expected,
                        one.arrived, one.missing - one.explained, one.twice, one.repeated);
    if (one.hidden > 0)
      text += fmt::format(
          "{:<16} {} of the {} are hidden: a higher origin stands before them, and somebody else than {} "
          "wrote it\n",
          "", one.hidden, at_rest ? "missing" : "frames in flight", one.from);
    if (!one.examples.empty() && one.missing + one.twice > one.explained)
      text += fmt::format("{:<16} for example {}\n", "", one_line(fmt::format("{}", fmt::join(one.examples, ", "))));
  }
  text += fmt::format("\nsent {}, open {}, counted twice {}, written again {}{}\n", statement.sent, statement.open(),
                      statement.twice(), statement.redelivered(),
                      statement.hidden() > 0 ? fmt::format(", hidden {}", statement.hidden()) : std::string());
  if (statement.unseen() > 0)
    text += fmt::format(
        "{} deleted before the ledger could read what was in them: the verdict is about the others; start it with "
        "the job, or give the topics `keep: 10m`\n",
        counted(statement.unseen(), "record was", "records were"));
  return text;
}

nlohmann::ordered_json to_json(const Statement& statement) {
  nlohmann::ordered_json json = {{"sent", statement.sent},
                                 {"open", statement.open()},
                                 {"twice", statement.twice()},
                                 {"redelivered", statement.redelivered()},
                                 {"hidden", statement.hidden()},
                                 {"unseen", statement.unseen()},
                                 {"stages", nlohmann::ordered_json::array()},
                                 {"flows", nlohmann::ordered_json::array()}};
  for (const auto& one : statement.stages)
    json["stages"].push_back({{"stage", one.stage},
                              {"topic", one.topic},
                              {"in", one.in},
                              {"acked", one.counted.acked},
                              {"filtered", one.counted.filtered},
                              {"dropped", one.counted.dropped - one.rejected},
                              {"rejected", one.rejected},
                              {"dead", one.counted.dead},
                              {"expired", one.counted.expired},
                              {"in_flight", one.in_flight},
                              {"repeated", one.repeated},
                              {"unseen", one.unseen}});
  for (const auto& one : statement.flows)
    json["flows"].push_back({{"from", one.from},
                             {"topic", one.topic},
                             {"to", one.to},
                             {"expected", one.expected},
                             {"arrived", one.arrived},
                             {"missing", one.missing - one.explained},
                             {"twice", one.twice},
                             {"repeated", one.repeated},
                             {"hidden", one.hidden},
                             {"examples", one.examples}});
  return json;
}

}  // namespace ride::ledger
