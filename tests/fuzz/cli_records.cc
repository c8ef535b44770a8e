// Records of any topic on their way to a person's terminal: `ride tap`, `ride dead list`, and `ride ledger`'s and
// `ride trace`'s way of naming them. A terminal obeys nothing of it, and JSON stays JSON.

#include "cli/core/dead_view.h"
#include "cli/core/record_view.h"
#include "cli/core/trace_view.h"
#include "common/check.h"
#include "common/json.h"
#include "stream/core/dead_letter.h"
#include "tests/fuzz/records.h"

namespace ride::cli {
namespace {

const SystemTime kNow(std::chrono::seconds(1'800'000'000));
constexpr auto kReplace = nlohmann::json::error_handler_t::replace;

void check_text(const std::string& text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    RIDE_CHECK(byte >= 0x20 || c == '\n', "a control character reaches the terminal");
    RIDE_CHECK(byte != 0x7f, "a control character reaches the terminal");
  }
}

TraceStep step_of(const RecordFacts& facts) {
  TraceStep step{.topic = facts.at.topic, .partition = facts.at.partition.value, .offset = facts.offset.value};
  if (!facts.frame) return step;
  step.captured = facts.frame->captured_at;
  step.written = facts.timestamp;
  step.frame = to_string(facts.frame->id);
  step.upstream = facts.frame->origin.upstream.name;
  step.writer = facts.frame->writer;
  step.part = facts.frame->part + 1;
  step.parts = facts.frame->parts;
  step.reason = facts.frame->reason;
  return step;
}

void check(const std::vector<fuzz::TextRecord>& records) {
  std::vector<DeadFrame> dead;
  Trace trace{.job = "street", .run = 1, .wanted = "gate/1042"};
  std::int64_t offset = 0;
  for (const auto& text : records) {
    stream::Record record{.at = {"ride.street.1.clean", PartitionId{0}},
                          .offset = Offset{offset++},
                          .timestamp = kNow,
                          .headers = text.headers,
                          .value = text.bytes()};
    if (!text.headers.empty()) record.key = text.headers.front().second;
    const auto facts = facts_of(record);
    check_text(render_record(facts, {}, kNow));
    RIDE_CHECK(nlohmann::json::accept(record_to_json(facts, kNow).dump(-1, ' ', false, kReplace)), "no JSON");
    trace.steps.push_back(step_of(facts));
    const auto notice = stream::decode_death(text.headers);
    if (!notice.ok()) continue;
    const auto again = stream::decode_death(stream::encode_death(*notice));
    RIDE_CHECK(again.ok() && again->at == notice->at && again->offset == notice->offset, "a place that changes");
    dead.push_back({"ride.street.1.clean.dead", record.offset, *notice, {}, facts.bytes});
    if (facts.frame) dead.back().frame = facts.frame->id;
    RIDE_CHECK(nlohmann::json::accept(dead_to_json(dead.back()).dump(-1, ' ', false, kReplace)), "no JSON");
  }
  check_text(render_dead(dead, {}, 120, kNow));
  check_text(render_trace(trace, {}));
  RIDE_CHECK(nlohmann::json::accept(trace_to_json(trace).dump(-1, ' ', false, kReplace)), "no JSON");
}

}  // namespace
}  // namespace ride::cli

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ride::cli::check(ride::fuzz::read_records(ride::fuzz::as_text(data, size)));
  return 0;
}
