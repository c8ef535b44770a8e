// bench/run plan-scale: what the master's core costs with 1,000 workers and 10,000 partitions, once as ten groups and
// once as a single one: decisions after a loss, after a group was set to another size, and at the looks that ticks
// cause; and how many reports a second it takes in.
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>

#include "bench/benchmarks.h"
#include "bench/big_cluster.h"
#include "common/check.h"
#include "process/proc.h"
#include "stream/control.h"

namespace ride::bench {

namespace {

using namespace std::chrono_literals;
using master::Event;
using master::ReportRead;

constexpr int kBeatRounds = 10;  // of all workers

double resident_mb() { return static_cast<double>(process::own_memory().resident) / (1 << 20); }

double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

struct Steps {
  std::vector<double> losses, sizes, ticks;  // ms each
};

void lose(BigCluster& cluster, const BigShape& shape, int runs, Steps& steps) {
  for (int i = 0; i < runs; ++i) {
    const auto victim = BigCluster::offer(i * 37 % shape.workers).id;
    steps.losses.push_back(
        cluster.handle({ReportRead{stream::ChildExit{.child = victim, .signal = 9}, cluster.now()}}).count());
  }
}

// Groups are set to fewer workers and back in turn; only the step that decides it is measured.
void resize(BigCluster& cluster, const BigShape& shape, int runs, Steps& steps) {
  const int usual = shape.workers / shape.stages - 2;
  for (int i = 0; i < runs; ++i) {
    const auto key = cluster.stage(i / 2 % shape.stages);
    const int wanted = i % 2 == 0 ? usual * 9 / 10 : usual;
    steps.sizes.push_back(
        cluster.handle({master::ScaleRequest{.ticket = i + 2, .job = key.job, .stage = key.stage, .workers = wanted}})
            .count());
    cluster.settle();
  }
}

void tick(BigCluster& cluster, int runs, Steps& steps) {
  for (int i = 0; i < runs; ++i) {
    cluster.beat_all();
    cluster.pass(1s);  // as long as the interval is with so many workers
    steps.ticks.push_back(cluster.handle({ReportRead{cluster.next_tick(), cluster.now()}}).count());
  }
}

struct ReportRates {
  double events_per_second = 0;   // of CPU, inside decide() alone
  double decoded_per_second = 0;  // with the JSON of the report
};

ReportRates apply_reports(BigCluster& cluster, const BigShape& shape) {
  const auto standing = cluster.state.hard.members->size();
  std::vector<std::vector<Event>> rounds;
  std::vector<std::string> texts;
  for (int round = 1; round <= kBeatRounds; ++round) {
    rounds.emplace_back();
    for (int w = 0; w < shape.workers; ++w) {
      auto beat = cluster.beat(w, std::int64_t{10} * round);
      if (cluster.state.hard.is_out(beat.id)) continue;
      if (round == 1) texts.push_back(stream::encode(stream::Report{"log", beat}));
      rounds.back().emplace_back(ReportRead{std::move(beat), cluster.now()});
    }
  }
  RIDE_CHECK(texts.size() == static_cast<std::size_t>(shape.workers) && standing == texts.size(),
             "all of them are there, in groups");
  ReportRates rates;
  double events = 0, seconds = 0;
  for (auto& round : rounds) {
    cluster.pass(1s);
    round.emplace_back(ReportRead{cluster.next_tick(), cluster.now()});
    const double begin = cpu_seconds();
    for (const auto& event : round) cluster.handle({event});  // one at a time: in batches it is cheaper
    seconds += cpu_seconds() - begin;
    events += static_cast<double>(round.size());
  }
  rates.events_per_second = events / seconds;
  const double begin = cpu_seconds();
  std::size_t good = 0;
  for (const auto& text : texts) good += stream::decode_report(text).ok();
  const double decode = (cpu_seconds() - begin) / static_cast<double>(std::max<std::size_t>(good, 1));
  rates.decoded_per_second = 1 / (seconds / events + decode);
  return rates;
}

Result<Figures> measure(const BigShape& shape, int runs, double& slowest_median, double& slowest_rate) {
  const double before = resident_mb();
  BigCluster cluster(shape);
  cluster.settle();
  Steps steps;
  resize(cluster, shape, runs, steps);
  tick(cluster, 5 * runs, steps);
  const double state_mb = resident_mb() - before;
  const auto rates = apply_reports(cluster, shape);
  lose(cluster, shape, runs, steps);
  if (const auto wrong = find_violation(cluster.state.hard))
    return Error{ErrorCode::internal, "an invariant broke: " + *wrong};
  Figures figures;
  figures["groups"] = shape.stages;
  for (const auto& [name, values] :
       {std::pair{"loss", &steps.losses}, {"resize", &steps.sizes}, {"tick", &steps.ticks}}) {
    figures[fmt::format("{}_ms", name)] = median(*values);
    figures[fmt::format("{}_max_ms", name)] = percentile(*values, 1);
    slowest_median = std::max(slowest_median, median(*values));
  }
  figures["first_plan_ms"] = cluster.filled_in;
  figures["events_per_core_second"] = rates.events_per_second;
  figures["with_json_per_core_second"] = rates.decoded_per_second;
  figures["state_mb"] = state_mb;
  slowest_rate = std::min(slowest_rate, rates.events_per_second);
  return figures;
}

}  // namespace

Result<Figures> run_plan_scale(const Options& options) {
  const int runs = options.runs > 0 ? options.runs : 20;
  double slowest_median = 0, slowest_rate = 1e12;
  RIDE_ASSIGN(auto ten,
              measure({.workers = 1000, .stages = 10, .partitions = 1000}, runs, slowest_median, slowest_rate));
  const double resident = resident_mb();
  RIDE_ASSIGN(auto one,
              measure({.workers = 1000, .stages = 1, .partitions = 10000}, runs, slowest_median, slowest_rate));
  Figures figures;
  figures["workers"] = 1000;
  figures["partitions"] = 10000;
  figures["decide_ms"] = slowest_median;  // the slowest kind of step, at its median
  figures["events_per_half_core_second"] = slowest_rate / 2;
  figures["rss_mb"] = resident;  // of this process, with all of the master's state
  figures["ten_groups"] = std::move(ten);
  figures["one_group"] = std::move(one);
  return figures;
}

}  // namespace ride::bench
