// Which stages the tests go through: named in the file, or the one way that there is.
#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/suggest.h"
#include "topology/draft.h"

namespace ride::topology {
namespace {

class TestCheck {
 public:
  TestCheck(Context& context, const std::vector<SourceDraft>& sources, const std::vector<StageDraft>& stages)
      : context_(context), sources_(sources), stages_(stages) {}

  void check(TestDraft& draft) {
    const bool found = draft.through.empty() ? find_way(draft) : follow(draft);
    if (found && takes_whole_pictures(draft)) check_source(draft);
  }

 private:
  const StageDraft* stage(const std::string& name) const {
    const auto found =
        std::find_if(stages_.begin(), stages_.end(), [&](const auto& draft) { return draft.stage.name == name; });
    return found == stages_.end() ? nullptr : &*found;
  }

  const SourceDraft* source(const std::string& name) const {
    const auto found =
        std::find_if(sources_.begin(), sources_.end(), [&](const auto& draft) { return draft.source.name == name; });
    return found == sources_.end() ? nullptr : &*found;
  }

  std::string default_port(const StageDraft& draft) const {
    return draft.task == nullptr || draft.task->outputs.empty() ? "out" : draft.task->outputs.front();
  }

  // The stages that are named: each is there, and read by the next one.
  bool follow(TestDraft& draft) {
    const StageDraft* before = nullptr;
    std::string port;
    for (const ReferenceDraft& reference : draft.through) {
      const StageDraft* here = named(reference);
      if (here == nullptr || (before != nullptr && !reads(*here, *before, port, reference))) return false;
      port = reference.port.empty() ? "" : reference.port;
      draft.test.through.push_back(reference.name);
      before = here;
    }
    if (before == nullptr) return false;
    draft.test.port = port.empty() ? default_port(*before) : port;
    return true;
  }

  const StageDraft* named(const ReferenceDraft& reference) {
    const StageDraft* found = stage(reference.name);
    if (found == nullptr) {
      std::vector<std::string> names;
      for (const auto& draft : stages_)
        if (!draft.stage.sink) names.push_back(draft.stage.name);
      context_.error(reference.place,
                     fmt::format("there is no stage '{}'{}", reference.name, did_you_mean(reference.name, names)),
                     fmt::format("known: {}", fmt::join(names, ", ")));
      return nullptr;
    }
    if (found->stage.sink) {
      context_.error(reference.place, fmt::format("'{}' is a sink: a test writes nothing", reference.name),
                     "end with the stage that the sink reads");
      return nullptr;
    }
    const auto& ports = found->task->outputs;
    if (reference.port.empty() || std::find(ports.begin(), ports.end(), reference.port) != ports.end()) return found;
    context_.error(reference.place,
                   fmt::format("{} (task '{}') has no output port '{}'{}", found->label, found->task->name,
                               reference.port, did_you_mean(reference.port, ports)),
                   fmt::format("its ports: {}", fmt::join(ports, ", ")));
    return nullptr;
  }

  bool reads(const StageDraft& here, const StageDraft& before, const std::string& port,
             const ReferenceDraft& reference) {
    for (const Upstream& upstream : here.stage.from)
      if (upstream.name == before.stage.name && (port.empty() || port == upstream.port)) return true;
    context_.error(reference.place,
                   fmt::format("{} does not read {}{}", here.label, before.label,
                               port.empty() ? "" : fmt::format(" (port '{}')", port)),
                   "name all stages between them, in the order in which frames go through them");
    return false;
  }

  // From the one stage that a sink reads back to the source.
  bool find_way(TestDraft& draft) {
    std::vector<Upstream> ends;
    for (const auto& sink : stages_) {
      if (!sink.stage.sink) continue;
      for (const Upstream& upstream : sink.stage.from) {
        const bool known = std::any_of(ends.begin(), ends.end(), [&](const Upstream& end) {
          return end.name == upstream.name && end.port == upstream.port;
        });
        if (!upstream.is_source && !known) ends.push_back(upstream);
      }
    }
    if (ends.size() != 1)
      return ambiguous(draft, ends.empty() ? "no sink reads a stage"
                                           : fmt::format("sinks read {} and {}", ends[0].name, ends[1].name));
    draft.test.port = ends.front().port;
    const StageDraft* here = stage(ends.front().name);
    for (;;) {
      draft.test.through.insert(draft.test.through.begin(), here->stage.name);
      const auto& from = here->stage.from;
      const auto stages_before =
          std::count_if(from.begin(), from.end(), [](const Upstream& upstream) { return !upstream.is_source; });
      if (stages_before == 0) return true;
      if (from.size() > 1) return ambiguous(draft, fmt::format("{} reads several", here->label));
      here = stage(from.front().name);
    }
  }

  // What goes in, and what is compared, are pictures, not parts of them.
  bool takes_whole_pictures(const TestDraft& draft) {
    const StageDraft& first = *stage(draft.test.through.front());
    const StageDraft& last = *stage(draft.test.through.back());
    const auto place = [&](const ReferenceDraft* given) { return given == nullptr ? draft.test.place : given->place; };
    const bool given = !draft.through.empty();
    if (works_on_tiles(first) || has_role(first, TileRole::joins)) {
      context_.error(
          place(given ? &draft.through.front() : nullptr),
          fmt::format("{} begins with {}, which takes tiles: a test puts whole pictures in", draft.label, first.label),
          "begin with the stage whose task is split, or with one before it");
      return false;
    }
    if (works_on_tiles(last) || has_role(last, TileRole::cuts)) {
      context_.error(
          place(given ? &draft.through.back() : nullptr),
          fmt::format("{} ends with {}, which emits tiles: a test looks at whole pictures", draft.label, last.label),
          "end with the stage whose task is merge, or with one behind it");
      return false;
    }
    return true;
  }

  static bool works_on_tiles(const StageDraft& draft) { return draft.stage.topic.partition_by == PartitionBy::tile; }
  static bool has_role(const StageDraft& draft, TileRole role) {
    return draft.task != nullptr && draft.task->tiles == role;
  }

  bool ambiguous(const TestDraft& draft, const std::string& why) {
    context_.error(draft.test.place, fmt::format("{} does not say which way its input goes: {}", draft.label, why),
                   "add through: [...] with the stages in order");
    return false;
  }

  void check_source(TestDraft& draft) {
    const StageDraft& first = *stage(draft.test.through.front());
    const bool given = !draft.test.source.empty();
    if (given && !reads_source(first, draft.test.source)) {
      context_.error(draft.source_place, fmt::format("{} does not read a source '{}'", first.label, draft.test.source),
                     "name a source that the first stage reads, or leave it out");
      return;
    }
    if (!given) draft.test.source = source_behind(first);
    if (!draft.own_source) return;
    if (!reads_source(first, draft.test.source)) {
      context_.error(draft.input_place, fmt::format("{} reads no source whose frames could go in", first.label),
                     "name a picture, a video or a scene in 'input'");
      return;
    }
    const SourceDecl& kind = *source(draft.test.source)->source.kind;
    if (!input_section().find(kind.name))
      context_.error(draft.input_place,
                     fmt::format("the frames of the {} '{}' are others each time", kind.name, draft.test.source),
                     "name a picture, a video or a scene in 'input'");
  }

  static bool reads_source(const StageDraft& draft, const std::string& name) {
    return std::any_of(draft.stage.from.begin(), draft.stage.from.end(),
                       [&](const Upstream& upstream) { return upstream.is_source && upstream.name == name; });
  }

  // The first source on the way to the stage; empty behind an adopted topic.
  std::string source_behind(const StageDraft& first) const {
    const StageDraft* here = &first;
    while (!here->stage.from.empty()) {
      for (const Upstream& upstream : here->stage.from)
        if (upstream.is_source) return upstream.name;
      here = stage(here->stage.from.front().name);
    }
    return "";
  }

  Context& context_;
  const std::vector<SourceDraft>& sources_;
  const std::vector<StageDraft>& stages_;
};

}  // namespace

const char* to_string(TestOutcome outcome) {
  switch (outcome) {
    case TestOutcome::passed:
      return "passed";
    case TestOutcome::filtered:
      return "filtered";
    case TestOutcome::dropped:
      return "dropped";
    case TestOutcome::dead:
      return "dead";
  }
  return "passed";
}

void check_tests(Context& context, const std::vector<SourceDraft>& sources, const std::vector<StageDraft>& stages,
                 std::vector<TestDraft>& tests) {
  TestCheck check(context, sources, stages);
  for (TestDraft& draft : tests) check.check(draft);
}

}  // namespace ride::topology
