// What the master says about one job, fetched again and again: the job with its sources and stages, the workers, and
// the events that a person should see. Owner: one thread.
#pragma once

#include <chrono>
#include <deque>
#include <string>
#include <vector>

#include "cli/master_client.h"
#include "common/json.h"

namespace ride::cli {

class JobWatch {
 public:
  JobWatch(MasterClient& master, std::string job) : master_(master), job_(std::move(job)) {}

  // Asks for all of it. A master that does not answer keeps the last view: it may come back.
  Result<void> look();
  // Events of before count as seen.
  void skip_events();

  const std::string& name() const { return job_; }
  const nlohmann::json& job() const { return view_; }         // as /jobs/{job}
  const nlohmann::json& workers() const { return workers_; }  // as /workers
  std::string phase() const;
  bool over() const;                     // completed, cancelled or failed
  std::vector<std::string> take_news();  // warnings and errors since the last call, as lines; one cause once
  const std::vector<std::string>& problems() const { return problems_; }  // all of them, the first 20
  // Whether stages without workers are no news: those that are about to be replaced.
  void expect_missing_workers(bool expected) { expects_missing_workers_ = expected; }
  // From now on broken pictures are no news: left_out() lists them, for the end.
  void gather_left_out() { gathers_left_out_ = true; }
  const std::vector<std::string>& left_out() const { return left_out_; }

 private:
  struct Shown {
    std::string text;
    std::chrono::steady_clock::time_point at;
  };
  void read_events();
  bool shown_lately(const std::string& event);

  MasterClient& master_;
  std::string job_;
  nlohmann::json view_ = nlohmann::json::object(), workers_ = nlohmann::json::object();
  std::int64_t events_seen_ = 0;
  std::vector<std::string> news_, problems_, left_out_;
  bool gathers_left_out_ = false, expects_missing_workers_ = false;
  std::deque<Shown> shown_;
};

}  // namespace ride::cli
