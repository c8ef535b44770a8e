#include "chaos/plan_file.h"

#include <spdlog/fmt/fmt.h>

#include <charconv>
#include <functional>
#include <map>

#include "common/suggest.h"
#include "topology/yaml_tree.h"

namespace ride::chaos {

namespace {

using topology::Diagnostic;
using topology::YamlNode;

std::optional<int> whole(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

class Reader {
 public:
  using Keys = std::map<std::string, std::function<void(const YamlNode&)>>;

  explicit Reader(std::string file) : file_(std::move(file)) {}

  PlanOutcome read(std::string_view text) {
    auto yaml = topology::read_yaml(text);
    for (auto& diagnostic : yaml.diagnostics) {
      diagnostic.file = file_;
      diagnostics_.push_back(std::move(diagnostic));
    }
    const YamlNode nothing;
    const YamlNode& root = yaml.root ? *yaml.root : nothing;
    if (yaml.root)
      read_plan(root);
    else if (diagnostics_.empty())
      error(root, "the plan is empty", "begin it with ride_chaos: v1");
    PlanOutcome outcome;
    if (!topology::has_errors(diagnostics_)) {
      const auto checked = check_plan(plan_);
      if (checked.ok())
        outcome.plan = plan_;
      else
        error(root, checked.error().message, "");
    }
    topology::sort_diagnostics(diagnostics_);
    outcome.diagnostics = std::move(diagnostics_);
    return outcome;
  }

 private:
  void error(const YamlNode& at, const std::string& message, const std::string& fix) {
    diagnostics_.push_back(
        {file_, at.place.line, at.place.column, at.place.length, message, fix, topology::Severity::error});
  }

  // Every key of a map is known, and read.
  void each(const YamlNode& node, const std::string& where, const Keys& keys) {
    if (node.kind != YamlNode::Kind::map)
      return error(node, where + " is " + topology::kind_text(node.kind), "write key: value pairs");
    std::vector<std::string> names;
    for (const auto& [name, read] : keys) names.push_back(name);
    for (const auto& entry : node.entries) {
      const auto found = keys.find(entry.key);
      if (found != keys.end()) {
        found->second(*entry.value);
        continue;
      }
      YamlNode place;
      place.place = entry.place;
      error(place, fmt::format("{} has no key '{}'{}", where, entry.key, did_you_mean(entry.key, names)),
            fmt::format("known: {}", fmt::join(names, ", ")));
    }
  }

  void number(const YamlNode& node, int least, int& out) {
    const auto value = node.kind == YamlNode::Kind::scalar ? whole(node.text) : std::nullopt;
    if (!value || *value < least) return error(node, fmt::format("a whole number of {} or more is needed", least), "");
    out = *value;
  }
  void duration(const YamlNode& node, milliseconds& out) {
    const auto value = node.kind == YamlNode::Kind::scalar
                           ? parse_duration(node.text)
                           : Result<milliseconds>(Error{ErrorCode::invalid_argument, "a duration is needed"});
    if (!value.ok()) return error(node, value.error().message, "write it with its unit, for example 3s");
    out = *value;
  }
  void percent(const YamlNode& node, int& out) {
    const bool marked = node.kind == YamlNode::Kind::scalar && node.text.ends_with('%');
    const auto value = marked ? whole(std::string_view(node.text).substr(0, node.text.size() - 1)) : std::nullopt;
    if (!value) return error(node, "a share of one core is needed", "write it as a percentage, for example 20%");
    out = *value;
  }
  // "3s", or "2s..4s": each time another one between the two.
  void range(const YamlNode& node, milliseconds& shortest, milliseconds& longest) {
    const auto dots = node.text.find("..");
    if (node.kind != YamlNode::Kind::scalar || dots == std::string::npos) {
      duration(node, shortest);
      longest = shortest;
      return;
    }
    const auto from = parse_duration(node.text.substr(0, dots)), to = parse_duration(node.text.substr(dots + 2));
    if (!from.ok() || !to.ok() || *from > *to)
      return error(node, "a range of durations is needed", "write the shorter one first, for example 2s..4s");
    shortest = *from;
    longest = *to;
  }
  std::function<void(const YamlNode&)> target(FaultKind kind, FaultKind& out_kind, std::string& out, bool& given) {
    return [this, kind, &out_kind, &out, &given](const YamlNode& node) {
      if (given) return error(node, "one fault does one thing", "write another entry for it");
      if (node.kind != YamlNode::Kind::scalar || node.text.empty())
        return error(node, "whom?", "write worker, node, master or broker, or one by name, such as node2-w1");
      given = true;
      out_kind = kind;
      out = node.text;
    };
  }
  void add_targets(Keys& keys, FaultKind& kind, std::string& out, bool& given) {
    for (const auto one : {FaultKind::kill, FaultKind::stop, FaultKind::cut, FaultKind::slow})
      keys[to_string(one)] = target(one, kind, out, given);
  }

  void read_fault(const YamlNode& node) {
    Fault fault;
    bool given = false, at = false;
    Keys keys = {{"at",
                  [&](const YamlNode& value) {
                    at = true;
                    duration(value, fault.at);
                  }},
                 {"for", [&](const YamlNode& value) { duration(value, fault.lasts); }},
                 {"to", [&](const YamlNode& value) { percent(value, fault.percent); }}};
    add_targets(keys, fault.kind, fault.target, given);
    each(node, "a fault", keys);
    if (node.kind == YamlNode::Kind::map && (!given || !at))
      error(node, given ? "the fault has no time" : "the fault does nothing", "write it as { at: 10s, kill: worker }");
    plan_.faults.push_back(std::move(fault));
  }

  void read_random(const YamlNode& node) {
    RandomFaults some{.count = 1};
    bool given = false;
    Keys keys = {{"times", [&](const YamlNode& value) { number(value, 1, some.count); }},
                 {"for", [&](const YamlNode& value) { range(value, some.shortest, some.longest); }},
                 {"to", [&](const YamlNode& value) { percent(value, some.percent); }}};
    add_targets(keys, some.kind, some.target, given);
    each(node, "a random fault", keys);
    if (node.kind == YamlNode::Kind::map && !given)
      error(node, "the fault does nothing", "write it as { kill: worker, times: 5 }");
    plan_.random.push_back(std::move(some));
  }

  template <class Read>
  void list(const YamlNode& node, const std::string& name, Read read) {
    if (node.kind != YamlNode::Kind::list)
      return error(node, name + " is " + topology::kind_text(node.kind), "write a list");
    for (const auto& item : node.items) read(*item);
  }

  void read_plan(const YamlNode& root) {
    bool versioned = false;
    each(root, "the plan",
         {{"ride_chaos",
           [&](const YamlNode& node) {
             versioned = true;
             if (node.text != "v1") error(node, "this program reads version v1", "write ride_chaos: v1");
           }},
          {"brokers", [&](const YamlNode& node) { number(node, 1, plan_.brokers); }},
          {"masters", [&](const YamlNode& node) { number(node, 1, plan_.masters); }},
          {"nodes", [&](const YamlNode& node) { number(node, 1, plan_.nodes); }},
          {"slots", [&](const YamlNode& node) { number(node, 1, plan_.slots); }},
          {"calm", [&](const YamlNode& node) { duration(node, plan_.calm); }},
          {"over", [&](const YamlNode& node) { duration(node, plan_.over); }},
          {"back_after", [&](const YamlNode& node) { duration(node, plan_.back_after); }},
          {"faults",
           [&](const YamlNode& node) { list(node, "faults", [this](const YamlNode& one) { read_fault(one); }); }},
          {"random",
           [&](const YamlNode& node) { list(node, "random", [this](const YamlNode& one) { read_random(one); }); }}});
    if (root.kind == YamlNode::Kind::map && !versioned)
      error(root, "the plan has no version", "begin it with ride_chaos: v1");
  }

  std::string file_;
  Plan plan_;
  std::vector<Diagnostic> diagnostics_;
};

}  // namespace

PlanOutcome read_plan(const std::string& file, std::string_view text) { return Reader(file).read(text); }

}  // namespace ride::chaos
