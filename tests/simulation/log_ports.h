// The simulated Kafka behind the product's ports, for code that asks and waits: answers come at once. Used where the
// moment matters little: making topics, cleaning up, a source that looks where it has to go on.
#pragma once

#include "producer/log_access.h"
#include "tests/simulation/kafka.h"

namespace ride::simulation {

std::unique_ptr<stream::TopicAdmin> make_admin(Kafka& kafka);
std::unique_ptr<stream::CommitStore> make_commit_store(Kafka& kafka);
std::unique_ptr<stream::RecordReader> make_reader(Kafka& kafka);

// Without writers: a source's run over SimProducer's own.
class SimLogAccess final : public producer::LogAccess {
 public:
  explicit SimLogAccess(Kafka& kafka) : kafka_(kafka) {}
  Result<producer::OpenedWriter> writer(const std::vector<std::string>&, std::int64_t) override {
    return Error{ErrorCode::unsupported, "no writer here"};
  }
  Result<std::unique_ptr<stream::RecordReader>> reader() override { return make_reader(kafka_); }
  Result<std::unique_ptr<stream::CommitStore>> commits() override { return make_commit_store(kafka_); }
  Result<std::unique_ptr<stream::TopicAdmin>> admin() override { return make_admin(kafka_); }

 private:
  Kafka& kafka_;
};

}  // namespace ride::simulation
