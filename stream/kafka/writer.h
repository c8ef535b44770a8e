// Writing records to Kafka with an idempotent, gapless producer (decision 0002). Any failed delivery or fatal error
// ends the incarnation: after one, send() refuses everything.
// Threads: one thread calls; failed() may be asked from any.
#pragma once

#include <memory>
#include <optional>

#include "stream/kafka/client_config.h"
#include "stream/ports.h"

namespace ride::kafka {

struct WriterOptions {
  std::int64_t queue_bytes = 256LL << 20;  // beyond it send() says resource_exhausted
};

class KafkaWriter : public stream::RecordWriter {
 public:
  static Result<std::unique_ptr<KafkaWriter>> open(const ClientConfig& config, const WriterOptions& options = {});
  // Learns the topic's leaders now, so that the first record of it does not wait up to a second.
  virtual Result<void> prepare(const std::string& topic) = 0;
  virtual std::optional<Error> failed() const = 0;
  virtual std::int64_t bytes_in_flight() const = 0;
};

}  // namespace ride::kafka
