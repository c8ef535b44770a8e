// ride-bench: lists the benchmarks or runs one, prints a table, and writes the figures as JSON.
#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <map>

#include "bench/picture_benchmarks.h"
#include "common/command_line.h"
#include "common/log.h"

namespace {

struct Benchmark {
  const char* what;
  ride::Result<ride::bench::Figures> (*run)(const ride::bench::Options&);
};

const std::map<std::string, Benchmark>& benchmarks() {
  static const std::map<std::string, Benchmark> all = {
      {"latency",
       {"30 fps of 900x900, one stddev_filter stage, 2 workers: capture to arrival (sent, received, duplicates, "
        "p50_ms, p99_ms)",
        ride::bench::run_latency}},
      {"floor",
       {"one worker beside a hand-written librdkafka loop and the bare filter (worker_fps, loop_fps, filter_fps, "
        "ratio, "
        "cpu_ratio, worker_rss_mb)",
        ride::bench::run_floor}},
      {"failover",
       {"3 workers and 2 spares, 30 fps of 900x900, 6 partitions: kill -9 two of three, 20 times; under `agent` (seen "
        "by an "
        "agent) and `node` (agents die, too): runs, detect_ms, gap_ms, full_rate_ms, redelivered, lost, duplicates, "
        "medians",
        ride::bench::run_failover}},
      {"node-loss",
       {"kill -9 an agent together with its worker, 20 times: from the kill until the master has declared them lost "
        "(detect_ms, the "
        "median; max_detect_ms) and until frames come as before (gap_ms), lost, duplicates",
        ride::bench::run_node_loss}},
      {"load",
       {"workers of two agents and plain ones on a machine that has too much to do (--load processes, 30; --seconds, "
        "600), one "
        "worker killed each minute: innocent (declared lost though they lived), kills, detect_ms",
        ride::bench::run_load}},
      {"brokers",
       {"three brokers, replication 3: kill -9 each in turn, 10 times (runs, gap_ms, full_rate_ms, lost, duplicates); "
        "--only stop: "
        "SIGSTOP instead",
        ride::bench::run_brokers}},
      {"spares",
       {"20 idle warm spares: CPU and memory of each (spares, cpu_percent, rss_mb, private_mb, all_cpu_percent)",
        ride::bench::run_spares}},
      {"rescale",
       {"`step`: a source goes from 5 to 30 fps and back, and its group follows (decision_ms, full_rate_ms, lost, "
        "duplicates); "
        "`moves`: a group is set to 3 and to 2 by hand, 10 times (moved_gap_ms, other_gap_ms: how late frames were)",
        ride::bench::run_rescale}},
      {"mixed",
       {"two workers of equal and two of half speed (CPU quota): their throughput together by the sum of their single "
        "speeds, with partitions that move and with an equal share (ratio_to_sum, static_ratio)",
        ride::bench::run_mixed}},
      {"speedup",
       {"eight workers beside one, 200 ms a frame, one frame at a time each (workers, speedup); --seconds: of each "
        "(30)",
        ride::bench::run_speedup}},
      {"plan-scale",
       {"1,000 workers x 10,000 partitions in the master's core: decisions, reports, memory (workers, partitions, "
        "decide_ms, "
        "events_per_half_core_second, rss_mb)",
        ride::bench::run_plan_scale}},
      {"detect",
       {"the task detect with the model centernet on the street video, beside plain cv::dnn in the same process, one "
        "thread (fps, ms_per_frame, plain_ms_per_frame, ratio, frames, objects)",
        ride::bench::run_detect}},
      {"batch",
       {"160 pictures of 2000x1500, blurred with 61x61 and written, by one process, by `ride run` with a worker a core "
        "and "
        "by Dask, in turns, 3 trials, with broken files among them (speedup, efficiency, cpu_efficiency, amdahl_p, "
        "each also with_start; compared.dask, compared.seed; ride_cpu_of each process); --frames, --runs, --size",
        ride::bench::run_batch}},
      {"stripes",
       {"one 8K picture (7680x4320, 3 channels) in two stripes on two workers beside whole on one, 3 trials: `blur` "
        "(61x61) and "
        "`heavy` (some ten seconds): work_speedup, end_to_end_speedup, identical, medians of work_s, end_to_end_s, "
        "cpu_s; floor_speedup: of the same task in two threads of one process",
        ride::bench::run_stripes}},
      {"figures",
       {"the paper's Figures 9, 10 and 11: how long stddev_filter, surf (RIDE_SURF), matmul and fft take by the "
        "picture's "
        "size, one thread, as figures9-11.png and .csv in --figure; --seconds: of each operation (60; up to "
        "24160x25720 as far "
        "as they last), --only: one of them",
        ride::bench::run_figures}},
      {"tasks",
       {"each task that processes pictures beside the fastest plain OpenCV call of the same tolerance, one thread, in "
        "turns (of each: mpx_per_s, plain_mpx_per_s, ratio, plain; lowest_ratio); --only NAME, --side PIXELS (900)",
        ride::bench::run_tasks}},
      {"plugin",
       {"tasks of a plug-in beside the same built in, one process, in turns, one thread, 900x900 of 8 bits: a task "
        "that "
        "does nothing (noop_us, cpp_noop_us, over_us, copies) and a box blur (blur_us, cpp_blur_us, ratio, fps); "
        "--rounds, --side",
        ride::bench::run_plugin}},
      {"large",
       {"each of those on the paper's largest frame, 24160x25720 bytes, in a process of its own that may have 8 GiB "
        "(of "
        "each: seconds, peak_mb, outcome); --only NAME, --seconds: for each at the most (120)",
        ride::bench::run_large}},
      {"python",
       {"a Python class that passes 900x900 bytes on, or copies them, beside the task identity, in turns, and once "
        "24160x25720 bytes (cpp_noop_us, noop_us, over_us, copy_us, fps, copies, large_s); and at 30 frames a second "
        "through a broker, beside a built-in task (stream_copy_p99_ms, stream_builtin_p99_ms); --frames (2000, 900), "
        "--only task or stream",
        ride::bench::run_python}},
      {"figure12",
       {"the paper's figure: unprocessed and processed frames over time, workers added by hand and by the platform, as "
        "figure12-*.png and .csv in --figure; --only 30 or 6.9; --seconds: of each run (180)",
        ride::bench::run_figure12}},
      {"figure13",
       {"the paper's figure: frames processed over time while workers are killed, as figure13.png and figure13.csv in "
        "--figure",
        ride::bench::run_figure13}},
      {"masters",
       {"a backlog is drained while the leading master is killed, then all masters (rate_dip_pct, new_leader_ms, "
        "masterless_s, lost, duplicates); --seconds: without any master (60)",
        ride::bench::run_masters}},
  };
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Runs one of RIDE's benchmarks, or lists them when none is named."};
  std::string name, json;
  ride::bench::Options options;
  app.add_option("name", name, "The benchmark");
  app.add_option("--json", json, "Write the figures to this file");
  app.add_option("--frames", options.frames, "Frames to run with (default: the benchmark's own number)");
  app.add_option("--rounds", options.rounds, "Rounds of which the median is taken");
  app.add_option("--runs", options.runs, "Faults of a kind (default: the benchmark's own number)");
  app.add_option("--seed", options.seed, "Seed of what is random (default: another each time; it is printed)");
  app.add_option("--figure", options.figure, "Folder for pictures and their tables (default: here)");
  app.add_option("--only", options.only, "Of a benchmark of several parts only this one, for example agent");
  app.add_option("--seconds", options.seconds, "Length of what is measured, where it has one");
  app.add_option("--load", options.load, "Processes that only use up the processor meanwhile");
  app.add_option("--size", options.size, "Size of pictures, WIDTHxHEIGHT (default: the benchmark's own)");
  app.add_option("--side", options.side, "Side of the pictures, in pixels, where they are made for it");
  app.add_flag("--verbose", options.verbose, "Also print the single measurements, on standard error");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return ride::end_command_line(app, error);
  }
  if (name.empty()) {
    for (const auto& [each, benchmark] : benchmarks()) std::cout << each << "\n    " << benchmark.what << "\n";
    return 0;
  }
  const auto found = benchmarks().find(name);
  if (found == benchmarks().end()) {
    std::cerr << "no benchmark '" << name << "'; bench/run lists them\n";
    return 2;
  }
  ride::init_logging("ride-bench", ride::LogLevel::warning);
  auto figures = found->second.run(options);
  if (!figures.ok()) {
    std::cerr << "ride-bench " << name << ": " << figures.error().message << "\n";
    return 1;
  }
  std::cout << name << "\n" << ride::bench::as_table(*figures);
  if (json.empty()) return 0;
  std::ofstream out(json);
  out << figures->dump(2) << "\n";
  if (!out.flush()) {
    std::cerr << "ride-bench: cannot write " << json << "\n";
    return 1;
  }
  return 0;
}
