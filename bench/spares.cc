// bench/run spares: what idle spares cost: 20 of them, warm, behind one worker that has little to do.
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "bench/benchmarks.h"
#include "bench/job_group.h"
#include "bench/local_cluster.h"
#include "process/proc.h"

namespace ride::bench {

namespace {

using namespace std::chrono_literals;

constexpr int kSpares = 20;
constexpr auto kWatched = 20s;
constexpr const char* kTopology =
    "ride: v1\nname: spares\nsources:\n  cam: { synthetic: { width: 900, height: 900, channels: 1 }, fps: 1, codec: "
    "raw }\n"
    "stages:\n  - name: stddev\n    from: [cam]\n    topic: { partitions: 6 }\n    task: stddev_filter\n"
    "    group: { min: 1, max: 1, spares: 20 }\n    output: { topic: spares-out, partitions: 6 }\n";

// Memory of its own: the libraries' pages are there once for all.
double private_mb(int pid) {
  std::ifstream rollup(fmt::format("/proc/{}/smaps_rollup", pid));
  double kilobytes = 0;
  for (std::string name; rollup >> name;)
    if (double value = 0; (name == "Private_Dirty:" || name == "Private_Clean:") && rollup >> value) kilobytes += value;
  return kilobytes / 1024;
}

double resident_mb(int pid) { return static_cast<double>(process::memory_of(pid).resident) / (1 << 20); }

}  // namespace

Result<Figures> run_spares(const Options&) {
  RIDE_ASSIGN(auto started, LocalCluster::start());
  auto& cluster = *started;
  RIDE_ASSIGN(auto master, cluster.run_master());
  RIDE_TRY(cluster.run("ride-agent",
                       {"--brokers", cluster.brokers(), "--slots", std::to_string(kSpares + 1), "--node", "n"}));
  RIDE_TRY(cluster.submit(kTopology));
  RIDE_ASSIGN(auto group, wait_for_group(cluster, "spares", "stddev", 1, kSpares, 60s));
  std::this_thread::sleep_for(3s);  // what opening cost is over
  std::map<std::string, double> before;
  for (const auto& spare : group.spares) before[spare] = usage_of(group.workers.at(spare).pid).cpu_seconds;
  const double master_before = usage_of(master->pid()).cpu_seconds;
  const auto begin = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(kWatched);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::vector<double> cpu, resident, own;
  double all = 0;
  for (const auto& spare : group.spares) {
    const int pid = group.workers.at(spare).pid;
    cpu.push_back((usage_of(pid).cpu_seconds - before[spare]) / seconds * 100);
    resident.push_back(resident_mb(pid));
    own.push_back(private_mb(pid));
    all += cpu.back();
  }
  Figures figures;
  figures["spares"] = kSpares;
  figures["cpu_percent"] = median(cpu);  // of one core, each
  figures["rss_mb"] = median(resident);  // each, libraries included
  figures["private_mb"] = median(own);   // each, of its own
  figures["all_cpu_percent"] = all;      // of one core, together
  figures["master_cpu_percent"] = (usage_of(master->pid()).cpu_seconds - master_before) / seconds * 100;
  return figures;
}

}  // namespace ride::bench
