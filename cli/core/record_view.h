// A record of a topic for people and for scripts: whose frame it is, what it holds, how old it is. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "cli/core/table.h"
#include "common/units.h"
#include "stream/core/frame_record.h"
#include "stream/core/record.h"

namespace ride::cli {

struct RecordFacts {
  stream::TopicPartition at;
  Offset offset;
  SystemTime timestamp{};  // when the broker took it
  std::string key;
  stream::Headers headers;
  std::int64_t bytes = 0;
  std::string text;                           // the value where it is text (control records), cut to some KB
  std::optional<stream::RecordHeader> frame;  // nothing: a foreign record
  std::string problem;                        // why a record that says it is RIDE's cannot be read
  std::string saved;                          // file that the picture was written to
};

RecordFacts facts_of(const stream::Record& record);
std::string render_record(const RecordFacts& facts, const Style& style, SystemTime now);
nlohmann::ordered_json record_to_json(const RecordFacts& facts, SystemTime now);

}  // namespace ride::cli
