// SimMaster: a master process: the product's own Decider over the simulated log. What is left of it is wiring: both
// control topics are read as a Host reads, records are posted and acknowledged late or not in time, ticks are sent,
// topics made, records deleted. Owner: its Host.
#pragma once

#include "master/cleaner.h"
#include "master/core/decider.h"
#include "tests/simulation/control_feed.h"
#include "tests/simulation/log_ports.h"
#include "tests/simulation/plan_watch.h"
#include "tests/simulation/writer.h"

namespace ride::simulation {

class SimMaster final : public Program, private master::DeciderPorts {
 public:
  struct Config {
    std::string id;           // of this process start
    bool round_trip = false;  // every decision goes through its JSON and back
    std::int64_t snapshot_records = 5000;
    std::size_t snapshot_part_bytes = 500'000;
    PlanWatch& watch;
    std::function<void()> writes_snapshot;  // its first record is about to go out
    std::function<void(const std::string& why)> end;
  };
  SimMaster(Surroundings& around, Host& host, Config config);

  void network_is_back() override;
  bool leads() const { return decider_.leads(); }
  void ask(master::Event request) {
    events_.push_back(std::move(request));
    proceed();
  }

 private:
  using Records = std::shared_ptr<const std::vector<ContentPtr>>;

  void take_decision(const Stored& stored);
  void decisions_taken();
  void begin_again();
  void take_report(const Stored& stored);
  void round();
  void proceed();
  void serve_log();
  void write(const std::vector<stream::Decision>& decisions);
  void post(const Records& records, std::size_t next);
  void acknowledged(const ContentPtr& content, const Records& records);
  void tell_written(const Result<Offset>& last);
  void tell_settled();
  void break_while_it_waits();
  void replace_writer();
  void make_writer();
  ContentPtr content_of(const stream::Decision& decision);
  void delete_before(Offset before);
  void make_topics(std::shared_ptr<const stream::JobSpec> spec);
  void tick();
  void clean();

  void ensure(const master::EnsureTopics& topics) override { make_topics(topics.spec); }
  void remove(const master::DeleteTopics&) override {}
  void truncate(Offset before) override { delete_before(before); }
  bool take_request(std::int64_t) override { return true; }
  void answer(const master::Answer&) override {}
  void drop_requests() override {}
  void counted(const stream::Decision&, SystemTime, bool, const std::vector<master::Concern>&) override {}
  void refused(stream::Refused kind, const std::string& why) override;
  void heard(const master::ReportRead&) override {}
  void told(const master::Notify& notify) override;
  void log(LogLevel level, const std::string& text) override;
  void count(const char*) override {}
  void observe(const char*, double) override {}

  Surroundings& around_;
  Host& host_;
  Config config_;
  master::Decider decider_;
  bool serves_ = false;  // the log, or the decider: what they lead to comes when they are done
  std::vector<master::Event> events_;
  std::unique_ptr<Writer> writer_;
  bool replaces_ = false;       // it: a new one is being made
  std::int64_t writes_ = 0;     // so many were asked for
  bool answered_ = true;        // the last of them
  ContentPtr last_;             // of its records
  std::size_t on_the_way_ = 0;  // records without an acknowledgement
  Writer ticks_;
  bool ticking_ = false;
  std::int64_t tick_number_ = 0;
  std::unique_ptr<stream::TopicAdmin> admin_;
  std::unique_ptr<stream::CommitStore> commits_;
  master::Cleaner cleaner_;
  ControlFeed decisions_, reports_;
};

}  // namespace ride::simulation
