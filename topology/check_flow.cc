// What only the whole file shows: names, references, cycles, readers, sizes.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <map>
#include <set>

#include "common/check.h"
#include "common/suggest.h"
#include "common/wording.h"
#include "topology/draft.h"

namespace ride::topology {
namespace {

class FlowCheck {
 public:
  FlowCheck(Context& context, std::vector<SourceDraft>& sources, std::vector<StageDraft>& stages)
      : context_(context), sources_(sources), stages_(stages) {}

  std::vector<std::size_t> run() {
    index_names();
    for (StageDraft& stage : stages_) resolve(stage);
    find_cycles();
    if (!context_.failed()) check_readers();  // a wrong name above leaves others unread
    check_outputs();
    for (const StageDraft& stage : stages_) check_sizes(stage);
    check_partitions();
    return context_.failed() ? std::vector<std::size_t>{} : flow_order();
  }

 private:
  void index_names() {
    for (std::size_t i = 0; i < sources_.size(); ++i) source_of_.emplace(sources_[i].source.name, i);
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      const StageDraft& draft = stages_[i];
      const std::string& name = draft.stage.name;
      if (name.empty()) continue;
      if (const auto source = source_of_.find(name); source != source_of_.end()) {
        context_.error(draft.name_place,
                       fmt::format("{} is named like the source in line {}", draft.label,
                                   sources_[source->second].name_place.line),
                       "rename one of them: 'from' could not distinguish them");
        continue;
      }
      const auto [first, added] = stage_of_.emplace(name, i);
      if (added) continue;
      context_.error(draft.name_place,
                     fmt::format("the name '{}' is taken: it is first used in line {}", name,
                                 stages_[first->second].name_place.line),
                     "give every stage and sink a name of its own");
    }
  }

  std::vector<std::string> known_names() const {
    std::vector<std::string> names;
    for (const auto& [name, index] : source_of_) names.push_back(name);
    for (const auto& [name, index] : stage_of_) {
      if (!stages_[index].stage.sink) names.push_back(name);
    }
    return names;
  }

  void resolve(StageDraft& draft) {
    const bool adopts = draft.stage.topic.adopt.has_value();
    if (adopts && draft.from_given) {
      context_.error(*draft.adopt_place, fmt::format("{} has both 'from' and an adopted topic", draft.label),
                     "remove 'from' to read the topic, or 'topic' to read the job's own frames");
    } else if (!adopts && !draft.from_given) {
      context_.error(draft.name_place, fmt::format("{} reads nothing: it has no 'from'", draft.label),
                     known_names().empty() ? "add sources: and name one in from: [...]"
                                           : fmt::format("add from: [{}]", known_names().front()));
    }
    for (const ReferenceDraft& reference : draft.from) resolve_one(draft, reference);
  }

  void resolve_one(StageDraft& draft, const ReferenceDraft& reference) {
    for (const Upstream& other : draft.stage.from) {
      if (other.name != reference.name) continue;
      context_.error(reference.place, fmt::format("'{}' is read twice by {}", reference.name, draft.label),
                     "name it once; to read two ports of a stage, put a stage of its own on each of them");
      return;
    }
    if (const auto source = source_of_.find(reference.name); source != source_of_.end()) {
      if (!reference.port.empty()) {
        context_.error(reference.place, fmt::format("'{}' is a source and has no ports", reference.name),
                       fmt::format("write {}", reference.name));
      }
      sources_[source->second].read = true;
      draft.stage.from.push_back({reference.name, "", true});
      return;
    }
    const auto found = stage_of_.find(reference.name);
    if (found == stage_of_.end()) {
      const auto names = context_.has_many_diagnostics() ? std::vector<std::string>{} : known_names();
      context_.error(
          reference.place,
          fmt::format("there is no source or stage '{}'{}", reference.name, did_you_mean(reference.name, names)),
          names.empty() ? "name a source or stage of this file" : fmt::format("known: {}", fmt::join(names, ", ")));
      return;
    }
    resolve_stage(draft, reference, stages_[found->second]);
  }

  void resolve_stage(StageDraft& draft, const ReferenceDraft& reference, StageDraft& upstream) {
    if (upstream.stage.sink) {
      context_.error(reference.place, fmt::format("'{}' is a sink: nothing comes out of it", reference.name),
                     "read the stage that the sink reads");
      return;
    }
    upstream.read = true;
    std::string port = reference.port;
    if (upstream.task != nullptr && !upstream.task->outputs.empty()) {
      const auto& ports = upstream.task->outputs;
      if (reference.text.find('.') == std::string::npos) port = ports.front();
      if (std::find(ports.begin(), ports.end(), port) == ports.end()) {
        context_.error(reference.place,
                       fmt::format("{} (task '{}') has no output port '{}'{}", upstream.label, upstream.task->name,
                                   port, did_you_mean(port, ports)),
                       fmt::format("its ports: {}", fmt::join(ports, ", ")));
      }
    }
    draft.stage.from.push_back({reference.name, port, false});
  }

  // Depth-first search along 'from'. Every cycle is reported once, at the reference that closes it.
  void find_cycles() {
    std::vector<int> colour(stages_.size(), 0);
    for (std::size_t start = 0; start < stages_.size(); ++start) {
      if (colour[start] == 0) visit(start, colour);
    }
  }

  struct Step {
    std::size_t stage = 0, next = 0;
  };
  void visit(std::size_t start, std::vector<int>& colour) {
    std::vector<Step> path = {{start, 0}};
    colour[start] = 1;
    while (!path.empty()) {
      Step& step = path.back();
      const auto& from = stages_[step.stage].from;
      if (step.next == from.size()) {
        colour[step.stage] = 2;
        path.pop_back();
        continue;
      }
      const ReferenceDraft& reference = from[step.next++];
      const auto found = stage_of_.find(reference.name);
      if (found == stage_of_.end()) continue;
      if (colour[found->second] == 1) report_cycle(path, found->second, reference);
      if (colour[found->second] != 0) continue;
      colour[found->second] = 1;
      path.push_back({found->second, 0});
    }
  }

  void report_cycle(const std::vector<Step>& path, std::size_t closing, const ReferenceDraft& reference) {
    const auto first = std::find_if(path.begin(), path.end(), [&](const Step& step) { return step.stage == closing; });
    // The path runs against the flow: path[i] reads path[i + 1], and the last one reads the first.
    std::string text = stages_[closing].stage.name;
    for (auto step = path.end(); step != first;) text += " -> " + stages_[(--step)->stage].stage.name;
    if (std::next(first) == path.end()) text = fmt::format("{0} -> {0}", reference.name);
    context_.error(reference.place, fmt::format("frames would go round in a circle: {}", text),
                   fmt::format("take '{}' out of this 'from'", reference.text));
  }

  void check_readers() {
    for (const SourceDraft& draft : sources_) {
      if (draft.read) continue;
      context_.warning(draft.name_place,
                       fmt::format("no stage reads the source '{}': it will not be opened", draft.source.name),
                       fmt::format("name it in a stage's from: [{}], or remove it", draft.source.name));
    }
    for (const StageDraft& draft : stages_) {
      if (draft.stage.sink || draft.read || !draft.stage.outputs.empty() || draft.task == nullptr) continue;
      if (draft.task->sink) continue;  // reported as misplaced
      context_.warning(draft.name_place,
                       fmt::format("nothing reads what {} emits: its work is thrown away", draft.label),
                       fmt::format("add a sink with from: [{}], or output: {{ topic: ... }}", draft.stage.name));
    }
  }

  void check_outputs() {
    std::map<std::string, SourceLocation> written;
    std::set<std::string> adopted;
    for (const StageDraft& draft : stages_) {
      if (draft.stage.topic.adopt) adopted.insert(draft.stage.topic.adopt->name);
    }
    for (const SourceDraft& draft : sources_) {
      if (draft.source.kind != nullptr && draft.source.kind->input == SourceInput::topic)
        adopted.insert(draft.source.uri);
    }
    for (const StageDraft& draft : stages_) {
      for (std::size_t i = 0; i < draft.stage.outputs.size(); ++i) {
        const std::string& topic = draft.stage.outputs[i].topic;
        const SourceLocation& place = draft.output_places[i];
        const auto [first, added] = written.emplace(topic, place);
        if (!added) {
          context_.error(place, fmt::format("the topic '{}' is already written, in line {}", topic, first->second.line),
                         "give every output a topic of its own; readers drop repeats by their one writer");
        }
        if (adopted.contains(topic)) {
          context_.error(place,
                         fmt::format("the job also reads the topic '{}': frames could go round in a circle", topic),
                         fmt::format("inside a job, use from: [{}]", draft.stage.name));
        }
      }
    }
  }

  // What is known of a stage's frames before any was seen: an adopted shape, or synthetic and raw sources that it
  // reads.
  std::optional<FrameShape> known_shape(const StageDraft& draft) const {
    if (draft.stage.topic.adopt) return draft.stage.topic.adopt->frame;
    std::optional<FrameShape> largest;
    for (const Upstream& upstream : draft.stage.from) {
      if (!upstream.is_source) continue;
      const auto& shape = sources_[source_of_.at(upstream.name)].source.shape;
      if (shape && (!largest || shape->bytes() > largest->bytes())) largest = shape;
    }
    return largest;
  }

  void check_sizes(const StageDraft& draft) {
    const auto shape = known_shape(draft);
    if (!shape) return;
    const std::int64_t memory = draft.stage.group.memory_bytes;
    if (draft.memory_place && memory > 0 && memory < 2 * shape->bytes()) {
      context_.error(*draft.memory_place,
                     fmt::format("a frame of {} bytes and its result do not fit into the memory of a worker ({})",
                                 shape->bytes(), format_byte_size({memory})),
                     fmt::format("write memory: {}MiB or more", shape->bytes() * 4 / (1 << 20) + 64));
    }
    if (shape->pixels() > draft.stage.max_pixels) {
      context_.error(draft.max_pixels_place.value_or(draft.name_place),
                     fmt::format("a frame has {} pixels, more than max_pixels ({}): all would be refused",
                                 shape->pixels(), draft.stage.max_pixels),
                     fmt::format("write max_pixels: {} or more", shape->pixels()));
    }
  }

  // Each stage's number may be fine, and all of them together be more than a cluster can hold.
  void check_partitions() {
    std::int64_t total = 0, topics = 0;
    const StageDraft* largest = nullptr;
    for (const StageDraft& draft : stages_) {
      if (!draft.stage.topic.adopt) {
        total += draft.stage.topic.partitions;
        ++topics;
        if (!largest || draft.stage.topic.partitions > largest->stage.topic.partitions) largest = &draft;
      }
      for (const NamedOutput& output : draft.stage.outputs) {
        total += output.partitions.value_or(0);
        ++topics;
      }
    }
    if (largest == nullptr || total <= kManyPartitions) return;
    const auto sums = fmt::format("the job has {} with {} in all, each once more for every replica",
                                  counted(topics, "topic"), counted(total, "partition"));
    const auto fix = fmt::format("write fewer (topic: {{ partitions: N }}, by default twice a group's max), {} here",
                                 largest->stage.topic.partitions);
    if (total > kMostPartitions) {
      context_.error(largest->name_place, fmt::format("{}; at most {} are possible", sums, kMostPartitions),
                     fix + ", or share the stages out among several jobs");
    } else if (!context_.failed()) {  // a file with errors has others to think of
      context_.warning(
          largest->name_place,
          fmt::format("{}; a Kafka broker holds about {}, with more its restarts take long", sums, kManyPartitions),
          fix + ", or have that many brokers");
    }
  }

  // Kahn's algorithm; what is free at the same time keeps the file's order, sinks come last.
  std::vector<std::size_t> flow_order() const {
    std::vector<std::size_t> order;
    std::vector<bool> done(stages_.size(), false);
    const auto ready = [&](const Stage& stage) {
      return std::all_of(stage.from.begin(), stage.from.end(),
                         [&](const Upstream& up) { return up.is_source || done[stage_of_.at(up.name)]; });
    };
    for (const bool sinks : {false, true}) {
      for (std::size_t i = 0; i < stages_.size();) {
        const Stage& stage = stages_[i].stage;
        if (stage.sink != sinks || done[i] || !ready(stage)) {
          ++i;
          continue;
        }
        order.push_back(i);
        done[i] = true;
        i = 0;  // the first one that is free by now
      }
    }
    RIDE_CHECK(order.size() == stages_.size(), "a cycle got past the check");
    return order;
  }

  Context& context_;
  std::vector<SourceDraft>& sources_;
  std::vector<StageDraft>& stages_;
  std::map<std::string, std::size_t> source_of_, stage_of_;
};

}  // namespace

std::vector<std::size_t> check_flow(Context& context, std::vector<SourceDraft>& sources,
                                    std::vector<StageDraft>& stages) {
  return FlowCheck(context, sources, stages).run();
}

}  // namespace ride::topology
