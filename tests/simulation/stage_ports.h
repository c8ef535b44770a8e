// The simulated log as a stage of the product sees it (worker/stage_ports.h): a reader that finds what is readable now,
// a writer, and who writes its commits. Mutations of what goes through them sit here. Owner: one StageShell.
#pragma once

#include <map>
#include <memory>

#include "stream/core/commit_metadata.h"
#include "stream/core/frame_record.h"
#include "tests/simulation/rules.h"
#include "tests/simulation/writer.h"
#include "worker/commit_sink.h"
#include "worker/core/commit_flow.h"

namespace ride::simulation {

// What was read of a partition, for mutations.
struct ReadSoFar {
  std::int64_t position = 0;
  stream::Watermarks watermarks;
  std::map<stream::Upstream, std::int64_t> epochs;
  std::map<std::string, std::int64_t> first_of_set;
  std::map<std::int64_t, std::int64_t> first_of;  // by the offset of one of its records: the set's first record
};
using ReadOfAll = std::map<stream::TopicPartition, ReadSoFar>;

class StageReaderPort final : public stream::RecordReader {
 public:
  // `look` is called when there may be something to read.
  StageReaderPort(Surroundings& around, Host& host, std::shared_ptr<ReadOfAll> read, std::function<void()> look)
      : around_(around), host_(host), read_(std::move(read)), look_(std::move(look)) {}
  ~StageReaderPort() override;

  Result<void> assign(const stream::TopicPartition& at, Offset start) override;
  void unassign(const stream::TopicPartition& at) override;
  Result<std::optional<stream::Record>> poll(std::chrono::milliseconds) override;

 private:
  struct Place {
    Line* line = nullptr;
    std::int64_t next = 0;
    int watcher = 0;
  };
  bool is_hidden(const Place& place, const Stored& stored);

  Surroundings& around_;
  Host& host_;
  const std::shared_ptr<ReadOfAll> read_;
  const std::function<void()> look_;
  std::map<stream::TopicPartition, Place> places_;
};

class StageWriterPort final : public stream::RecordWriter {
 public:
  StageWriterPort(Surroundings& around, Host& host, std::string topic, std::shared_ptr<ReadOfAll> read,
                  std::function<void()> delivered);

  Result<void> send(const stream::TopicPartition& to, stream::OutRecord record, Delivered done) override;
  void serve(std::chrono::milliseconds timeout) override { writer_.serve(timeout); }
  Result<void> flush(std::chrono::milliseconds timeout) override { return writer_.flush(timeout); }

 private:
  const Mutation broken_;
  const std::string topic_;  // that the stage reads
  const std::shared_ptr<ReadOfAll> read_;
  Writer writer_;
};

// As worker/committer.h, over requests that take their time and may get no answer.
class StageCommits final : public worker::CommitSink {
 public:
  struct Config {
    std::string group;
    std::string who;
    worker::Committed committed;
  };
  StageCommits(Surroundings& around, Host& host, std::shared_ptr<ReadOfAll> read, Config config)
      : around_(around), host_(host), read_(std::move(read)), config_(std::move(config)), flow_(now()) {
    turn();
  }

  void put(const stream::TopicPartition& at, stream::Commit commit) override;
  void forget(const stream::TopicPartition& at) override { flow_.forget(at); }
  std::optional<Error> failed() const override { return flow_.failed(); }

 private:
  using Found = worker::CommitFlow::Found;
  worker::CommitFlow::TimePoint now() const { return worker::CommitFlow::TimePoint(around_.clock.now()); }
  stream::Commit mutated(const stream::TopicPartition& at, stream::Commit commit) const;
  worker::PendingCommits::Commits as_sent(const worker::PendingCommits::Commits& commits);
  void turn();
  void ask(const worker::CommitFlow::Write& write);
  void ask(const worker::CommitFlow::ReadBack& request);
  void written(std::int64_t request, const worker::CommitFlow::Write& write, bool taken);
  void read_back(std::int64_t request, const worker::CommitFlow::ReadBack& asked, const Result<Found>& found);

  Surroundings& around_;
  Host& host_;
  const std::shared_ptr<ReadOfAll> read_;
  const Config config_;
  worker::CommitFlow flow_;
  std::map<stream::TopicPartition, std::pair<stream::Commit, stream::Commit>> broken_;  // as it was meant, as sent
  std::int64_t request_ = 0, requests_ = 0;  // the one that is on its way; 0: none
  std::optional<worker::CommitFlow::TimePoint> looks_at_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace ride::simulation
