#include "worker/stage_ports.h"

#include <algorithm>

#include "stream/core/dead_letter.h"
#include "stream/kafka/admin.h"
#include "stream/kafka/reader.h"
#include "stream/kafka/writer.h"

namespace ride::worker {

Result<StagePorts> open_kafka_ports(const kafka::ClientConfig& config, const stream::StageSpec& stage, bool finite) {
  auto cluster = config;
  cluster.max_message_bytes = stage.max_message_bytes;
  // What a fast task takes while a response is on its way, several times; the reader wakes librdkafka before it runs
  // empty. But a worker that may have little memory must not be killed for what it has fetched.
  std::int64_t prefetch = 64 << 20;
  if (const auto memory = stage.group.memory_bytes; memory > 0)
    prefetch = std::clamp<std::int64_t>(memory / 4, 32 << 20, prefetch);
  kafka::ReaderOptions options{
      .group = stage.group_id, .prefetch_bytes = prefetch, .reports_ends = stage.adopt.has_value()};
  // A worker that has fetched all there is asks 20 times a second instead of 100; a record that comes is answered at
  // once.
  if (finite) options.fetch_wait = std::chrono::milliseconds(50);
  RIDE_ASSIGN(auto reader, kafka::KafkaReader::open(cluster, options));
  RIDE_TRY(reader->prepare(stage.topic));
  RIDE_ASSIGN(auto writer, kafka::KafkaWriter::open(cluster));
  for (const auto& output : stage.outputs) RIDE_TRY(writer->prepare(output.topic));
  RIDE_TRY(writer->prepare(stream::dead_topic(stage)));
  std::shared_ptr<kafka::KafkaReader> shared = std::move(reader);
  StagePorts ports;
  ports.reader = shared;
  ports.commits = shared;
  ports.writer = std::move(writer);
  ports.end_of = [shared](const stream::TopicPartition& at) { return shared->end_of(at); };
  ports.overtaken = [shared]() -> std::optional<std::pair<stream::TopicPartition, Offset>> {
    const auto& overtaken = shared->overtaken();
    return overtaken ? std::optional(std::pair(overtaken->at, overtaken->first)) : std::nullopt;
  };
  ports.range_of = [cluster, admin = std::shared_ptr<stream::TopicAdmin>()](
                       const stream::TopicPartition& at) mutable -> Result<stream::OffsetRange> {
    if (!admin) {  // rarely asked
      RIDE_ASSIGN(auto opened, kafka::open_admin(cluster));
      admin = std::move(opened);
    }
    return admin->range(at);
  };
  ports.ends_of = [shared](const std::vector<stream::TopicPartition>& at) { return shared->ask_ends(at); };
  return ports;
}

}  // namespace ride::worker
