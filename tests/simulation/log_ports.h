// The simulated Kafka behind the product's ports, for code that asks and waits: answers come at once, but to what a
// source writes. Used where the moment matters little: making topics, cleaning up, a source that looks where it has to
// go on.
#pragma once

#include "producer/log_access.h"
#include "tests/simulation/host.h"
#include "tests/simulation/kafka.h"

namespace ride::simulation {

std::unique_ptr<stream::TopicAdmin> make_admin(Kafka& kafka);
std::unique_ptr<stream::CommitStore> make_commit_store(Kafka& kafka);
std::unique_ptr<stream::RecordReader> make_reader(Kafka& kafka);

// The log as a source's runner sees it: away while its host is cut off.
class SimLogAccess final : public producer::LogAccess {
 public:
  using MakeWriter = std::function<std::unique_ptr<stream::RecordWriter>()>;
  SimLogAccess(Kafka& kafka, const Host& host, MakeWriter make_writer)
      : kafka_(kafka), host_(host), make_writer_(std::move(make_writer)) {}
  Result<producer::OpenedWriter> writer(const std::vector<std::string>&, std::int64_t) override {
    if (host_.cut()) return away();
    return producer::OpenedWriter{make_writer_(), [] { return false; }};
  }
  Result<std::unique_ptr<stream::RecordReader>> reader() override {
    if (host_.cut()) return away();
    return make_reader(kafka_);
  }
  Result<std::unique_ptr<stream::CommitStore>> commits() override { return make_commit_store(kafka_); }
  Result<std::unique_ptr<stream::TopicAdmin>> admin() override { return make_admin(kafka_); }

 private:
  static Error away() { return {ErrorCode::unavailable, "Kafka is away", true}; }

  Kafka& kafka_;
  const Host& host_;
  MakeWriter make_writer_;
};

}  // namespace ride::simulation
