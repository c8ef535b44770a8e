#include "process/machine.h"

#include <sched.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "common/file_text.h"

namespace ride::process {
namespace fs = std::filesystem;
namespace {

double usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  double cores = std::max(1U, std::thread::hardware_concurrency());
  if (sched_getaffinity(0, sizeof set, &set) == 0) cores = std::max(1, CPU_COUNT(&set));
  std::istringstream limit(file_text("/sys/fs/cgroup/cpu.max"));  // "200000 100000", or "max 100000"
  double quota = 0, period = 0;
  if (limit >> quota >> period && quota > 0 && period > 0) cores = std::min(cores, quota / period);
  return cores;
}

std::int64_t meminfo(const std::string& key) {
  std::istringstream lines(file_text("/proc/meminfo"));
  std::string line;
  while (std::getline(lines, line)) {
    if (line.starts_with(key + ":")) return std::stoll("0" + line.substr(line.find_first_of("0123456789"))) * 1024;
  }
  return 0;
}

std::int64_t usable_memory() {
  const std::int64_t all = meminfo("MemTotal");
  std::istringstream limit(file_text("/sys/fs/cgroup/memory.max"));  // bytes, or "max"
  std::int64_t bytes = 0;
  if (limit >> bytes && bytes > 0) return all > 0 ? std::min(all, bytes) : bytes;
  return all;
}

std::vector<std::string> list_cameras() {
  std::vector<std::string> cameras;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator("/dev", failed)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("video") && name.size() > 5 && std::isdigit(static_cast<unsigned char>(name[5]))) {
      cameras.push_back(entry.path().string());
    }
  }
  std::sort(cameras.begin(), cameras.end());
  return cameras;
}

}  // namespace

NodeFacts read_node_facts() {
  NodeFacts facts;
  facts.cores = usable_cores();
  facts.memory_bytes = usable_memory();
  facts.cameras = list_cameras();
  std::error_code failed;
  if (fs::exists("/dev/nvidia0", failed) && fs::exists("/dev/nvidiactl", failed)) facts.devices.push_back("gpu");
  return facts;
}

double NodeLoad::sample() { return sample(file_text("/proc/stat")); }

double NodeLoad::sample(const std::string& proc_stat) {
  // "cpu  user nice system idle iowait irq softirq steal ...", in ticks, summed over all cores; then "cpu0", "cpu1",
  // ...
  std::istringstream lines(proc_stat);
  std::string line, word;
  double busy = 0, total = 0;
  int cores = 0;
  while (std::getline(lines, line) && line.starts_with("cpu")) {
    if (!line.starts_with("cpu ")) {
      ++cores;
      continue;
    }
    std::istringstream fields(line);
    fields >> word;
    double value = 0;
    for (int i = 0; i < 8 && fields >> value; ++i) {
      total += value;
      if (i != 3 && i != 4) busy += value;  // all but idle and iowait
    }
  }
  const bool first = busy_ < 0;
  const double busy_ticks = busy - busy_, all_ticks = total - total_;
  busy_ = busy;
  total_ = total;
  if (first || all_ticks <= 0) return 0;
  return std::max(0.0, busy_ticks / all_ticks) * std::max(1, cores) * 100;
}

std::optional<std::int64_t> out_of_memory_kills() {
  std::istringstream lines(file_text("/proc/vmstat"));
  std::string name;
  std::int64_t value = 0;
  while (lines >> name >> value)
    if (name == "oom_kill") return value;
  return std::nullopt;
}

std::int64_t free_disk(const fs::path& folder) {
  std::error_code failed;
  const auto space = fs::space(folder.empty() ? fs::path(".") : folder, failed);
  return failed ? 0 : static_cast<std::int64_t>(space.available);
}

std::vector<int> usable_core_numbers() {
  std::vector<int> cores;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return cores;
  for (int core = 0; core < CPU_SETSIZE; ++core)
    if (CPU_ISSET(static_cast<std::size_t>(core), &set)) cores.push_back(core);
  return cores;
}

std::int64_t machine_memory() { return meminfo("MemTotal"); }
std::int64_t available_memory() {
  const std::int64_t all = meminfo("MemAvailable");
  std::istringstream limit(file_text("/sys/fs/cgroup/memory.max")), taken(file_text("/sys/fs/cgroup/memory.current"));
  std::int64_t most = 0, now = 0;
  if (!(limit >> most && taken >> now && most > 0)) return all;
  // Pages of files that nobody uses count as taken there, and are given back when memory is asked for.
  std::istringstream counts(file_text("/sys/fs/cgroup/memory.stat"));
  std::int64_t of_files = 0;
  std::string name;
  for (std::int64_t count = 0; counts >> name >> count;)
    if (name == "inactive_file" || name == "active_file") of_files += count;
  return std::clamp<std::int64_t>(most - now + of_files, 0, std::max<std::int64_t>(all, 0));
}

}  // namespace ride::process
