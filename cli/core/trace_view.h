// The way of one frame through a job, as text and as JSON: what each topic holds of it, who wrote it, when, and whether
// it counted. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/core/table.h"
#include "common/json.h"
#include "common/result.h"
#include "common/units.h"

namespace ride::cli {

// "gate/1042" (any session) or "gate/3/1042".
struct TraceTarget {
  std::string source;
  std::optional<std::int64_t> session;
  std::int64_t number = 0;
  bool matches(const std::string& of, std::int64_t in, std::int64_t is) const {
    return source == of && number == is && (!session || *session == in);
  }
};
Result<TraceTarget> parse_trace_target(const std::string& text);

// One record that holds it, or a part of it.
struct TraceStep {
  std::string topic;
  std::int64_t partition = 0, offset = 0;
  SystemTime written{}, captured{};
  std::string frame;     // source/session/number
  std::string upstream;  // the source or stage that wrote it
  std::string writer;    // the process incarnation, @epoch
  int part = 1, parts = 1;
  std::string outcome, reason;
  bool repeated = false;  // written again after a failure; readers drop it
  bool hidden = false;    // a higher origin stands before it; readers drop it, and it never counted
  std::string reader;     // the stage that reads the topic; empty: outside the job
  bool acked = false;     // its reader has committed past it
};

struct Trace {
  std::string job;
  std::int64_t run = 0;
  std::string wanted;
  std::vector<TraceStep> steps;
  std::int64_t unseen = 0;  // records of the job that are deleted already
};

// Ordered by time. Steps of one frame by one writer of one stage are an attempt.
std::string render_trace(const Trace& trace, const Style& style);
nlohmann::ordered_json trace_to_json(const Trace& trace);
Error not_traced(const Trace& trace);

}  // namespace ride::cli
