// Dead letters for people and for scripts: which topics hold them, and what each one says. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/core/table.h"
#include "stream/core/dead_letter.h"

namespace ride::cli {

// A dead frame, once, however often it was written.
struct DeadFrame {
  std::string topic;  // that holds the letter
  Offset letter;      // there
  stream::DeathNotice notice;
  std::optional<FrameId> frame;  // nothing: the record was no frame
  std::int64_t bytes = 0;
  bool operator==(const DeadFrame&) const = default;
};

// Where a frame lay, as people write it: "2/1042", partition and offset of the stage's input.
struct DeadPlace {
  PartitionId partition;
  Offset offset;
};
Result<DeadPlace> parse_place(const std::string& text);
std::string place_text(const stream::DeathNotice& notice);

// Its stage reads a topic that others write (`adopt`): a dead topic is named after RIDE's own input topic, and only
// that.
bool died_in_foreign_topic(const DeadFrame& frame);

// "": all dead topics of the prefix; JOB: those of its latest run; JOB/STAGE: that one; or a topic's name. not_found:
// there is none.
Result<std::vector<std::string>> dead_topics(const std::string& wanted, const std::string& prefix,
                                             const std::vector<std::string>& topics);

std::string render_dead(const std::vector<DeadFrame>& frames, const Style& style, std::size_t width, SystemTime now);
// Name and value a line, in a form that a terminal obeys nothing in.
std::string render_headers(const stream::Headers& headers);
nlohmann::ordered_json dead_to_json(const DeadFrame& frame);

}  // namespace ride::cli
