// The records of a job's topics as the ledger reads them, apart from the product's own rules: `t=TOPIC` as a record's
// first header names the topic (clean, album, plates: a foreign one). Nothing is counted that was not there.
#include "common/check.h"
#include "ledger/core/statement.h"
#include "tests/fuzz/records.h"

namespace ride::ledger {
namespace {

stream::JobSpec street() {
  stream::JobSpec spec{.job = {"street"}, .run = {1}};
  spec.sources = {{.name = "gate", .kind = "camera", .outputs = {{.to = "clean", .topic = "clean", .partitions = 2}}}};
  spec.stages = {
      {.name = "clean",
       .topic = "clean",
       .partitions = 2,
       .upstreams = {{.name = "gate", .is_source = true}},
       .outputs = {{.port = "out", .to = "album", .topic = "album", .partitions = 2}}},
      {.name = "album",
       .topic = "album",
       .partitions = 2,
       .upstreams = {{.name = "clean", .partitions = 2}},
       .sink = true},
      {.name = "cars", .topic = "plates", .partitions = 2, .adopt = stream::AdoptSpec{"jpeg", "", ""}, .sink = true}};
  return spec;
}

std::string topic_of(const Headers& headers) {
  const bool named = !headers.empty() && headers.front().first == "t";
  return named && (headers.front().second == "album" || headers.front().second == "plates") ? headers.front().second
                                                                                            : "clean";
}

// The lines of a tally add up.
void check(const TopicAudit& topic, std::int64_t records) {
  RIDE_CHECK(topic.records == records, "records are missing in the audit");
  RIDE_CHECK(topic.repeated + topic.not_ours <= topic.records, "more are left out than there were");
  std::int64_t entered = 0;
  for (const auto& [upstream, inflow] : topic.inflows) {
    for (const auto& [session_key, tally] : inflow.all) {
      std::int64_t sum = 0;
      for (int level = 0; level < tally.levels(); ++level) {
        RIDE_CHECK(tally.seen(level).size() > 0, "an empty level");
        sum += tally.seen(level).size();
      }
      RIDE_CHECK(sum == tally.total(), "a tally does not add up");
      entered += tally.total();
    }
  }
  RIDE_CHECK(entered <= topic.records, "more frames than records");
}

}  // namespace
}  // namespace ride::ledger

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ride;
  using namespace ride::ledger;
  Audit audit;
  std::map<std::string, std::int64_t> records;
  std::map<LogPartition, std::int64_t> next;
  for (const auto& record : fuzz::read_records(fuzz::as_text(data, size))) {
    const auto topic = topic_of(record.headers);
    const LogPartition at{topic, static_cast<std::int64_t>(record.value.size() % 2)};
    const auto result = topic == "plates" ? audit.add_foreign(at, next[at]++, record.headers)
                                          : audit.add(at, next[at]++, record.headers);
    RIDE_CHECK(result.entry.has_value() && result.seen_before >= 0, "a record without an entry");
    ++records[topic];
  }
  for (const auto& [topic, count] : records) check(audit.of(topic), count);
  const auto statement = make_statement(street(), audit, {{"clean", {.acked = 3}}, {"album", {.acked = 1, .dead = 1}}});
  RIDE_CHECK(statement.sent >= 0 && statement.twice() >= 0 && statement.redelivered() >= 0, "a sum below 0");
  for (const auto& flow : statement.flows) RIDE_CHECK(flow.missing >= 0 && flow.arrived >= 0, "a sum below 0");
  RIDE_CHECK(!to_text(statement).empty(), "a statement without words");
  (void)to_json(statement).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return 0;
}
