// Pictures that are worked on in parts (decision 0037): from a split to its merge stand only tasks that may see tiles,
// and the split takes along the halo that they need in all. Fills in the split's `halo` and the topics' partitioning.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <map>

#include "topology/draft.h"

namespace ride::topology {
namespace {

constexpr std::int64_t kMostHalo = 100'000;  // where the task states no limit

class TileCheck {
 public:
  TileCheck(Context& context, const std::vector<SourceDraft>& sources, std::vector<StageDraft>& stages,
            const std::vector<std::size_t>& order)
      : context_(context), stages_(stages), order_(order) {
    for (const auto& draft : sources) ways_[draft.source.name][draft.source.name] = 1;
  }

  void run() {
    for (const auto index : order_) {
      add_ways(stages_[index].stage);
      look_at(stages_[index]);
    }
    check_ends();
    if (!context_.failed()) settle_halos();
  }

 private:
  // What a stage emits are tiles of the split `cut`, good to within `halo` pixels of their sides.
  struct Carried {
    StageDraft* cut = nullptr;
    std::int64_t halo = 0;
    bool read = false;
  };

  void add_ways(const Stage& stage) {
    auto& ways = ways_[stage.name];
    if (stage.topic.adopt) ways["topic " + stage.topic.adopt->name] = 1;
    for (const auto& upstream : stage.from)
      for (const auto& [source, count] : ways_[upstream.name]) ways[source] = std::min(2, ways[source] + count);
  }

  // The first of its upstreams that emits tiles.
  const Carried* tiles_for(const Stage& stage) {
    const Carried* tiles = nullptr;
    for (const auto& upstream : stage.from) {
      const auto found = carried_.find(upstream.name);
      if (found == carried_.end()) continue;
      found->second.read = true;
      if (tiles == nullptr) tiles = &found->second;
    }
    return tiles;
  }

  void look_at(StageDraft& draft) {
    if (draft.task == nullptr) return;
    const Carried* tiles = tiles_for(draft.stage);
    switch (draft.task->tiles) {
      case TileRole::cuts:
        return cut(draft, tiles);
      case TileRole::joins:
        return join(draft, tiles);
      case TileRole::none:
        if (tiles != nullptr) work_on(draft, *tiles);
        return;
    }
  }

  void cut(StageDraft& draft, const Carried* tiles) {
    if (tiles != nullptr) {
      context_.error(draft.task_place, fmt::format("{} would split tiles of {} again", draft.label, tiles->cut->label),
                     "put a stage with task: merge between the two, or state more tiles in the first");
      return;
    }
    for (const auto& [source, count] : ways_[draft.stage.name]) {
      if (count < 2) continue;
      context_.error(draft.name_place,
                     fmt::format("the frames of '{}' come to {} on several ways: a merge could not tell their tiles "
                                 "apart",
                                 source, draft.label),
                     "give each way a split and a merge of its own");
    }
    if (draft.stage.max_age.count() > 0)
      context_.error(draft.name_place,
                     fmt::format("{} drops frames that are too old, and cuts them: after a takeover a picture could be "
                                 "cut in part and dropped",
                                 draft.label),
                     "write max_age at a stage before the split, or behind its merge");
    check_passes_unchanged(draft);
    carried_[draft.stage.name] = {&draft, 0};
  }

  void join(StageDraft& draft, const Carried* tiles) {
    if (tiles == nullptr) {
      context_.error(draft.task_place, fmt::format("{} reads no tiles: there is no split before it", draft.label),
                     "let it read a split, or a stage that works on the tiles of one");
      return;
    }
    if (draft.stage.from.size() > 1)
      context_.error(draft.name_place,
                     fmt::format("{} reads several stages: it puts together what one way brings", draft.label),
                     "write a merge for each of them");
    const milliseconds timeout(std::get<std::int64_t>(draft.stage.params.at("timeout_ms")));
    if (draft.stage.topic.retention.count() > 0 && draft.stage.topic.retention < 2 * timeout)
      context_.error(draft.name_place,
                     fmt::format("{} waits {} for a missing tile, and its topic keeps records for {} only: it could "
                                 "lose tiles of other pictures meanwhile",
                                 draft.label, format_duration(timeout), format_duration(draft.stage.topic.retention)),
                     fmt::format("write retention: {} or more, or a smaller timeout_ms", format_duration(2 * timeout)));
    auto& needed = needed_[tiles->cut->stage.name];
    needed = std::max(needed, tiles->halo);
  }

  // A task between the two.
  void work_on(StageDraft& draft, const Carried& tiles) {
    const auto& task = *draft.task;
    const auto behind = fmt::format("{} works on tiles of {}", draft.label, tiles.cut->label);
    const std::string merge_first = "put a stage with task: merge before it";
    if (task.sink || task.halo == nullptr) {
      context_.error(
          draft.task_place,
          fmt::format("{}, but task '{}' {}", behind, task.name, task.sink ? "is a sink" : "needs whole pictures"),
          merge_first + (task.sink ? "" : "; `ride tasks` shows which tasks are splittable"));
      return;
    }
    if (draft.stage.from.size() > 1)
      context_.error(draft.name_place, fmt::format("{}, and reads other stages as well", behind),
                     "give each a stage of its own");
    if (task.outputs.size() != 1 || task.needs_order || task.warmup_frames > 0 ||
        draft.stage.topic.partition_by == PartitionBy::source)
      context_.error(draft.task_place,
                     fmt::format("{}, whose order is not kept: each goes to a partition of its own", behind),
                     merge_first + ", or leave partition_by: source out");
    check_passes_unchanged(draft);
    draft.stage.topic.partition_by = PartitionBy::tile;
    carried_[draft.stage.name] = {tiles.cut, tiles.halo + task.halo(draft.stage.params)};
  }

  // What it emits reaches the merge with the same bits, and nobody else.
  void check_passes_unchanged(const StageDraft& draft) {
    if (draft.stage.codec.starts_with("jpeg"))
      context_.error(draft.name_place, fmt::format("{} emits tiles as JPEG, which changes their pixels", draft.label),
                     "write codec: raw:zstd or png, or leave it out");
    for (const auto& place : draft.output_places)
      context_.error(place, fmt::format("{} emits tiles: nobody outside of the job can put them together", draft.label),
                     "write output: at the merge");
  }

  // Each way that tiles take ends at a merge.
  void check_ends() {
    for (const auto index : order_) {
      const auto& draft = stages_[index];
      const auto found = carried_.find(draft.stage.name);
      if (found == carried_.end() || found->second.read) continue;
      context_.error(draft.name_place, fmt::format("{} emits tiles that are never put together", draft.label),
                     fmt::format("add a stage with task: merge, from: [{}]", draft.stage.name));
    }
  }

  void settle_halos() {
    for (const auto index : order_) {
      auto& cut = stages_[index];
      const auto found = needed_.find(cut.stage.name);
      if (found == needed_.end()) continue;
      const auto needed = found->second;
      auto& halo = std::get<std::int64_t>(cut.stage.params.at("halo"));
      if (needed > most_halo(cut)) {
        context_.error(
            cut.task_place,
            fmt::format("the tasks between {} and its merge need a halo of {} pixels in all, more than the {} "
                        "that a tile may take along",
                        cut.label, needed, most_halo(cut)),
            "put a merge and another split between them, or work on whole pictures");
      } else if (halo >= 0 && halo < needed) {
        context_.error(
            cut.task_place,
            fmt::format("{} takes along a halo of {}, but the tasks up to its merge need {}", cut.label, halo, needed),
            fmt::format("write halo: {}, or leave it out", needed));
      }
      if (halo < 0) halo = needed;
    }
  }

  static std::int64_t most_halo(const StageDraft& cut) {
    for (const auto& param : cut.task->params)
      if (param.name == "halo" && param.max) return static_cast<std::int64_t>(*param.max);
    return kMostHalo;
  }

  Context& context_;
  std::vector<StageDraft>& stages_;
  const std::vector<std::size_t>& order_;
  std::map<std::string, std::map<std::string, int>> ways_;  // by stage and source; 2: more than one
  std::map<std::string, Carried> carried_;                  // by the stage that emits them
  std::map<std::string, std::int64_t> needed_;              // halo, by the split
};

}  // namespace

void check_tiles(Context& context, const std::vector<SourceDraft>& sources, std::vector<StageDraft>& stages,
                 const std::vector<std::size_t>& order) {
  TileCheck(context, sources, stages, order).run();
}

}  // namespace ride::topology
