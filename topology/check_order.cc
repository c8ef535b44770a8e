// Whether tasks that need each source's frames in order get them so.
#include <spdlog/fmt/fmt.h>

#include <map>
#include <set>
#include <string>

#include "topology/draft.h"

namespace ride::topology {
namespace {

// Frames of one source are worked on side by side there, so they come out as each is finished. A merge passes a picture
// on with the last of its tiles, and one that is incomplete later still.
bool mixes_order(const StageDraft& draft) {
  if (draft.task != nullptr && draft.task->tiles == TileRole::joins) return true;
  const TopicSettings& topic = draft.stage.topic;
  return !topic.adopt && topic.partition_by != PartitionBy::source && topic.partitions != 1;
}

std::string way_out(const StageDraft& mixer) {
  if (mixer.stage.topic.partition_by == PartitionBy::tile ||
      (mixer.task != nullptr && mixer.task->tiles == TileRole::joins))
    return "let it read what comes before the split: behind a merge the pictures come as their last tiles do";
  return fmt::format("write topic: {{ partition_by: source }} in {}; then one worker has all frames of a source there",
                     mixer.label);
}

}  // namespace

void check_order(Context& context, const std::vector<StageDraft>& stages, const std::vector<std::size_t>& order) {
  std::map<std::string, const StageDraft*> mixed_by;  // stage → the first one on the way to it that mixes the order
  std::set<const StageDraft*> reported;
  for (const std::size_t index : order) {
    const StageDraft& draft = stages[index];
    const StageDraft* mixer = nullptr;
    for (const ReferenceDraft& reference : draft.from) {
      const auto found = mixed_by.find(reference.name);
      if (found == mixed_by.end() || found->second == nullptr) continue;
      mixer = found->second;
      if (draft.task == nullptr || !draft.task->needs_order || !reported.insert(mixer).second) continue;
      context.warning(
          reference.place,
          fmt::format("{} (task '{}') needs each source's frames in order, but {} works on several of them at a time "
                      "and passes them on as each is finished",
                      draft.label, draft.task->name, mixer->label),
          way_out(*mixer));
    }
    if (mixer == nullptr && mixes_order(draft)) mixer = &draft;
    mixed_by[draft.stage.name] = mixer;
  }
}

}  // namespace ride::topology
