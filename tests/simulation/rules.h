// What is broken on purpose in a run, and what a run shares. A mutation sits in the simulator's own shells and ports,
// around what is of the product, which knows nothing of it.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "tests/simulation/kafka.h"
#include "tests/simulation/story.h"

namespace ride::simulation {

enum class Mutation {
  none,
  watermark_of_read_position,       // commits carry what was read, not what was ACKed
  drop_by_epoch,                    // a reader drops records of an older owner than it has seen
  own_offset_origin,                // what a set leads to gets the offset of its first record as its origin
  resume_at_highest,                // a finite source goes on behind the highest number that it finds
  commit_past_unacked,              // the commit is the read position
  no_finished_list,                 // commits do not say what was finished beyond them
  truncation_behind_void_snapshot,  // a leader truncates behind a snapshot that it did not read back as valid
  first_record_not_alone,           // decision 0006 undone
};

struct MutationName {
  Mutation mutation;
  std::string_view name;
};
inline constexpr std::array<MutationName, 9> kMutations = {{
    {Mutation::none, "none"},
    {Mutation::watermark_of_read_position, "watermark_of_read_position"},
    {Mutation::drop_by_epoch, "drop_by_epoch"},
    {Mutation::own_offset_origin, "own_offset_origin"},
    {Mutation::resume_at_highest, "resume_at_highest"},
    {Mutation::commit_past_unacked, "commit_past_unacked"},
    {Mutation::no_finished_list, "no_finished_list"},
    {Mutation::truncation_behind_void_snapshot, "truncation_behind_void_snapshot"},
    {Mutation::first_record_not_alone, "first_record_not_alone"},
}};

// How often something happened that a run may or may not lead to.
using Fired = std::map<std::string, std::int64_t>;

// What every program of a run can reach.
struct Surroundings {
  Scheduler& clock;
  Kafka& kafka;
  Story& story;
  Mutation broken = Mutation::none;
  Fired& fired;
};

inline const stream::TopicPartition kDecisions{stream::kDecisionsTopic, PartitionId{0}};
inline const stream::TopicPartition kReports{stream::kReportsTopic, PartitionId{0}};

}  // namespace ride::simulation
