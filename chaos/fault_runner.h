// FaultRunner: carries a schedule of faults out on a test cluster while a recorder watches, ends each fault in its
// time, starts again what has nobody to do so, and reports. Threads: run() belongs to one; a broker's restart waits on
// a thread of its own. Failure: a fault that cannot be done (its victim is not there) is named in the report; run()
// fails only when the test cluster does.
#pragma once

#include <functional>
#include <future>
#include <list>
#include <random>
#include <stop_token>

#include "chaos/core/plan.h"
#include "chaos/core/report.h"
#include "chaos/core/timeline.h"
#include "chaos/recorder.h"
#include "chaos/test_cluster.h"
#include "common/steady_wall.h"

namespace ride::chaos {

class FaultRunner {
 public:
  using Say = std::function<void(const std::string&)>;
  FaultRunner(TestCluster& test_cluster, Recorder& recorder, Plan plan, std::uint64_t seed, Say say);
  ~FaultRunner();

  // Calm, faults, and calm again until the frames are as punctual as before or the patience ends.
  Result<void> run(std::stop_token stop);
  // After the job has come to rest.
  Report report(const ledger::Statement& statement) const;
  // Frames over time with the faults marked.
  Timeline timeline() const;

 private:
  struct Open {
    std::size_t struck;  // which of struck_
    FaultTarget victim;
    SystemTime until{};
    std::unique_ptr<CpuLimit> limit;
    std::future<Result<void>> back;  // of a broker that is being started
  };

  bool strike(const Fault& fault, bool last_try);  // false: nobody to hit now, but soon
  Result<FaultTarget> choose(const std::string& target);
  Result<void> begin(const Fault& fault, const FaultTarget& victim, Open& open);
  Result<void> end_what_is_due(SystemTime now);
  Result<bool> end(Open& open);
  Result<void> bring_back_what_ended(SystemTime now);
  bool is_hit(const FaultTarget& victim) const;
  bool all_recovered() const;
  void record_detection(Struck& struck) const;

  TestCluster& test_cluster_;
  Recorder& recorder_;
  Plan plan_;
  std::uint64_t seed_;
  std::mt19937_64 random_;
  Say say_;
  std::vector<Struck> struck_;
  std::list<Open> open_;
  std::vector<std::string> crashes_;
  SystemTime began_{}, first_{}, ended_{}, looked_{};
  mutable SteadyWall clock_;  // faults last as long as they should, whoever sets the clock
};

}  // namespace ride::chaos
