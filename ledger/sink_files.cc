#include "ledger/sink_files.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <fstream>
#include <functional>

#include "common/task_files.h"
#include "common/text.h"
#include "common/wording.h"
#include "worker/tasks/builtin_catalog.h"
#include "worker/tasks/path_template.h"

namespace ride::ledger {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kExamples = 5;

void expect(SinkFiles& files, bool there, const std::string& name) {
  ++files.expected;
  ++(there ? files.found : files.missing);
  if (!there && files.examples.size() < kExamples) files.examples.push_back(name);
}

// Of a frame that the sink was given: what its file is called, or nothing when it is not there.
struct Looked {
  std::string name;
  bool there = false;
};
using Look = std::function<Looked(const std::string& upstream, const SessionKey&, std::int64_t number)>;

// The pictures that a sink was given; outcomes leave no file. `apart`: those of each upstream have a file of their own.
// A frame that died and was given more than once (by several upstreams, or written again by `ride dead replay`) may
// have succeeded the other time: nothing is expected of it, either way.
void look_for_each(const TopicAudit& topic_audit, bool apart, SinkFiles& files, const Look& look) {
  std::map<std::pair<std::string, SessionKey>, NumberSet> frames;
  std::map<SessionKey, NumberTally> given;
  for (const auto& [upstream, inflow] : topic_audit.inflows) {
    for (const auto& [session_key, tally] : inflow.frames) {
      frames[{apart ? upstream : "", session_key}].add(tally.seen(0));
      given[session_key].add(tally);
    }
  }
  for (const auto& [of, numbers] : frames) {
    const auto dead = topic_audit.dead.find(of.second);
    for (const auto number : numbers.first(static_cast<std::size_t>(numbers.size()))) {
      const auto looked = look(of.first, of.second, number);
      if (dead != topic_audit.dead.end() && dead->second.contains(number)) {
        ++files.dead;
        if (looked.there && !given[of.second].seen(1).contains(number)) ++files.stale;
        continue;
      }
      expect(files, looked.there, looked.name);
    }
  }
}

// What the sink reports itself, beyond what its topic and its dead letters show.
std::int64_t left_out(const TopicAudit& topic_audit, const Counted& counted, std::int64_t dead) {
  std::int64_t came_dropped = 0, came_dead = 0;
  for (const auto& [upstream, inflow] : topic_audit.inflows) {
    if (const auto found = inflow.outcomes.find("dropped"); found != inflow.outcomes.end())
      came_dropped += found->second;
    if (const auto found = inflow.outcomes.find("dead"); found != inflow.outcomes.end()) came_dead += found->second;
  }
  const auto own = [](std::int64_t all, std::int64_t came) { return std::max<std::int64_t>(0, all - came); };
  return own(counted.dropped, came_dropped) + own(counted.dead, came_dead + dead) + counted.expired;
}

bool writes_json(const stream::StageSpec& stage, const FilesDecl& declared) {
  if (declared.format_param == nullptr) return false;
  const auto format = stage.params.find(declared.format_param);
  return format != stage.params.end() && format->second == ParamValue(std::string("json"));
}

// Whether the template's files can be named here; a task may have placeholders of its own.
bool knows_all(const tasks::PathTemplate& path, const std::vector<std::string>& fields,
               const std::map<std::string, std::string>& values) {
  return std::none_of(fields.begin(), fields.end(),
                      [&](const auto& field) { return path.uses(field) && !values.contains(field); });
}

std::string name_of(const SessionKey& session_key, std::int64_t number) {
  return fmt::format("{}/{}/{}", session_key.source, session_key.session, number);
}

// False: they cannot be counted.
bool count_images(const stream::JobSpec& spec, const stream::StageSpec& stage, const FilesDecl& declared,
                  const Audit& audit, const fs::path& base, SinkFiles& files) {
  const auto path = tasks::PathTemplate::parse(files.path, declared.fields);
  if (!path.ok()) return true;
  std::map<std::string, std::string> values = {
      {"job", spec.job.value}, {"run", std::to_string(spec.run.value)}, {"stage", stage.name}};
  for (const char* field : {"from", "source", "session", "seq"}) values[field];
  if (!knows_all(*path, declared.fields, values)) return false;
  const auto look = [&](const std::string& upstream, const SessionKey& session_key, std::int64_t number) -> Looked {
    values["from"] = upstream;
    values["source"] = session_key.source;
    values["session"] = std::to_string(session_key.session);
    values["seq"] = std::to_string(number);
    const auto name = path->expand(values);
    std::error_code failed;
    const auto size = fs::file_size(base / name, failed);
    return {name, !failed && size > 0};
  };
  look_for_each(audit.of(stage.topic), path->uses("from"), files, look);
  return true;
}

// A file per worker: all whose names begin and end alike.
std::vector<fs::path> files_like(const fs::path& pattern, const std::string& any) {
  const auto name = pattern.filename().string();
  const auto at = name.find(any);
  if (at == std::string::npos) return {pattern};
  const auto head = name.substr(0, at), tail = name.substr(at + any.size());
  std::vector<fs::path> found;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(pattern.parent_path(), failed)) {
    const auto other = entry.path().filename().string();
    if (other.size() >= head.size() + tail.size() && other.starts_with(head) && other.ends_with(tail))
      found.push_back(entry.path());
  }
  return found;
}

bool count_lines(const stream::JobSpec& spec, const stream::StageSpec& stage, const FilesDecl& declared,
                 const Audit& audit, const fs::path& base, SinkFiles& files) {
  const std::string any = "ANY-WORKER";
  const auto path = tasks::PathTemplate::parse(files.path, declared.fields);
  if (!path.ok()) return true;
  const std::map<std::string, std::string> values = {
      {"job", spec.job.value}, {"run", std::to_string(spec.run.value)}, {"stage", stage.name}, {"worker", any}};
  if (!knows_all(*path, declared.fields, values)) return false;
  const auto pattern = base / path->expand(values);
  std::map<SessionKey, NumberTally> lines;
  for (const auto& file : files_like(pattern, any)) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
      const auto json = nlohmann::json::parse(line, nullptr, false);
      if (!json.is_object()) continue;
      const auto source = json.find("source"), session = json.find("session"), number = json.find("number");
      const bool ours = source != json.end() && source->is_string() && session != json.end() &&
                        session->is_number_integer() && number != json.end() && number->is_number_integer();
      if (!ours) continue;  // the file may hold lines of others
      const SessionKey session_key{source->get<std::string>(), session->get<std::int64_t>()};
      if (lines[session_key].add(number->get<std::int64_t>()) > 0) ++files.repeated;
    }
  }
  const auto look = [&](const std::string&, const SessionKey& session_key, std::int64_t number) -> Looked {
    return {name_of(session_key, number), lines[session_key].seen(0).contains(number)};
  };
  look_for_each(audit.of(stage.topic), false, files, look);
  return true;
}

// False: what this task writes, or writes with these parameters, is not counted.
bool count(const stream::JobSpec& spec, const stream::StageSpec& stage, const FilesDecl& declared, const Audit& audit,
           const fs::path& base, SinkFiles& files) {
  switch (declared.hold) {
    case FilesDecl::Hold::frame:
      return count_images(spec, stage, declared, audit, base, files);
    case FilesDecl::Hold::lines:
      return writes_json(stage, declared) && count_lines(spec, stage, declared, audit, base, files);
    case FilesDecl::Hold::segment:
      return false;
  }
  return false;
}

}  // namespace

std::vector<SinkFiles> count_sink_files(const stream::JobSpec& spec, const Audit& audit, const fs::path& base,
                                        const std::map<std::string, Counted>& counted) {
  std::vector<SinkFiles> all;
  for (const auto& stage : spec.stages) {
    const auto* task = tasks::builtin_catalog().find(stage.task);
    SinkFiles files{.sink = stage.name, .path = files_template(task, stage.params)};
    if (files.path.empty() || files.path.find("{file") != std::string::npos)
      continue;  // {file}: only the frames know it
    if (!count(spec, stage, task->files, audit, base, files)) continue;
    if (const auto found = counted.find(stage.name); found != counted.end())
      files.left_out = std::min(files.missing, left_out(audit.of(stage.topic), found->second, files.dead));
    files.missing -= files.left_out;
    if (files.missing == 0) files.examples.clear();
    all.push_back(std::move(files));
  }
  return all;
}

std::int64_t missing(const std::vector<SinkFiles>& files) {
  std::int64_t missing = 0;
  for (const auto& one : files) missing += one.missing;
  return missing;
}

std::string to_text(const std::vector<SinkFiles>& files, bool at_rest) {
  std::string text;
  for (const auto& one : files) {
    text += fmt::format("files of {} ({}): {} of {} there, {} {}", one.sink, one.path, one.found, one.expected,
                        one.missing, at_rest ? "missing" : "in flight");
    if (one.dead > 0) text += fmt::format(", {} dead (no file expected)", one.dead);
    if (one.left_out > 0) text += fmt::format(", {} dropped, dead or expired in the sink", one.left_out);
    if (one.stale > 0)
      text += fmt::format("; {} of the dead {} there nevertheless: from an earlier run", one.stale,
                          one.stale == 1 ? "is" : "are");
    if (one.repeated > 0) text += fmt::format(", {} again", counted(one.repeated, "line"));
    if (!one.examples.empty())
      text += fmt::format("; for example {}", one_line(fmt::format("{}", fmt::join(one.examples, ", "))));
    text += "\n";
  }
  return text;
}

nlohmann::ordered_json to_json(const std::vector<SinkFiles>& files) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& one : files)
    list.push_back({{"sink", one.sink},
                    {"path", one.path},
                    {"expected", one.expected},
                    {"found", one.found},
                    {"missing", one.missing},
                    {"dead", one.dead},
                    {"stale", one.stale},
                    {"left_out", one.left_out},
                    {"repeated", one.repeated},
                    {"examples", one.examples}});
  return list;
}

}  // namespace ride::ledger
