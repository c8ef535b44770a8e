// Follower: reads every topic of a job, from what is still there on, and keeps the audit of it. Leaves no trace: no
// commit, no group member. Owner: one thread. Failure: a cluster that is away is waited for; open() gives up after its
// timeout. What was deleted before it could be read is counted as unseen: start it with the job, or give its topics
// `keep:`.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "common/result.h"
#include "ledger/core/audit.h"
#include "ledger/core/statement.h"
#include "ledger/job_log.h"
#include "stream/kafka/client_config.h"
#include "stream/kafka/reader.h"
#include "stream/ports.h"
#include "stream/spec.h"

namespace ride::ledger {

// One record as it was read.
struct Sighting {
  LogPartition at;
  std::int64_t offset = 0;
  SystemTime written{};  // as the log says
  SystemTime arrived{};  // here
  AuditResult result;
};

// What the stages have committed.
struct Commits {
  std::map<std::string, Counted> counted;          // by stage
  std::map<LogPartition, std::int64_t> positions;  // the oldest record without an ACK
};

class Follower {
 public:
  // Called for every record, in the order of reading.
  using Watch = std::function<void(const Sighting&)>;

  // Waits until the job's latest run (or this one) has its topics.
  static Result<std::unique_ptr<Follower>> open(const kafka::ClientConfig& config, const std::string& prefix,
                                                const JobName& job, std::chrono::milliseconds timeout);
  void watch(Watch watch) { watch_ = std::move(watch); }

  // Reads what comes within `timeout`.
  Result<void> poll(std::chrono::milliseconds timeout);
  // Reads until everything that stands in the topics now has been read; timeout when it took longer.
  Result<void> catch_up(std::chrono::milliseconds timeout);

  const Audit& audit() const { return audit_; }
  const stream::JobSpec& spec() const { return spec_; }
  Result<stream::JobPhase> phase() { return log_.phase(); }
  Result<Commits> commits();
  // As the last statement found them.
  const std::map<std::string, Counted>& counted() const { return counted_; }
  // The statement as of now; the commits are read first, so that what is in flight is never negative.
  Result<Statement> statement(std::chrono::milliseconds timeout);

 private:
  Follower(kafka::ClientConfig config, JobLog log)
      : config_(std::move(config)), log_(std::move(log)), spec_(log_.spec()) {}
  Result<void> begin();
  Result<void> begin_dead_letters();
  Result<void> skip_deleted();
  void handle(const stream::Record& record);

  kafka::ClientConfig config_;
  JobLog log_;
  stream::JobSpec spec_;
  std::unique_ptr<stream::TopicAdmin> admin_;
  std::unique_ptr<kafka::KafkaReader> reader_;
  std::unique_ptr<stream::CommitStore> store_;
  std::map<stream::TopicPartition, Offset> next_;
  std::set<std::string> foreign_;                    // adopted topics
  std::map<std::string, std::string> dead_letters_;  // of the sinks: topic -> the one that they were read from
  std::map<std::string, Counted> counted_;
  Watch watch_;
  Audit audit_;
};

}  // namespace ride::ledger
