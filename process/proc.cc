#include "process/proc.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "common/file_text.h"

namespace ride::process {
namespace fs = std::filesystem;
namespace {

constexpr int kFirstField = 3, kParent = 4, kUserTicks = 14, kSystemTicks = 15,
              kStarted = 22;  // as proc(5) counts them

fs::path folder_of(pid_t pid) { return fs::path("/proc") / std::to_string(pid); }

std::optional<pid_t> number_of(const std::string& name) {
  pid_t pid = 0;
  const auto [rest, failed] = std::from_chars(name.data(), name.data() + name.size(), pid);
  if (failed != std::errc() || rest != name.data() + name.size()) return std::nullopt;
  return pid;
}

ProcessMemory memory_in(const fs::path& folder) {
  std::istringstream pages(file_text(folder / "statm"));
  std::int64_t size = 0, resident = 0, shared = 0;
  if (!(pages >> size >> resident >> shared)) return {};
  return {resident * sysconf(_SC_PAGESIZE), shared * sysconf(_SC_PAGESIZE)};
}

}  // namespace

std::optional<ProcessStat> parse_stat(const std::string& text) {
  // "4242 (java) S 1 ...": the name may hold anything, so fields are counted behind its last bracket.
  const auto end = text.rfind(')');
  if (end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(end + 1));
  std::vector<std::string> all(kFirstField);
  for (std::string field; static_cast<int>(all.size()) <= kStarted && fields >> field;) all.push_back(field);
  if (static_cast<int>(all.size()) <= kStarted) return std::nullopt;
  ProcessStat stat;
  stat.state = all[kFirstField].front();
  stat.parent = number_of(all[kParent]).value_or(0);
  double ticks = 0;
  for (const int field : {kUserTicks, kSystemTicks}) ticks += std::strtod(all[field].c_str(), nullptr);
  stat.cpu_seconds = ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
  stat.started = all[kStarted];
  return stat;
}

std::optional<ProcessStat> read_stat(pid_t pid) { return parse_stat(file_text(folder_of(pid) / "stat")); }
std::optional<ProcessStat> own_stat() { return parse_stat(file_text("/proc/self/stat")); }

std::vector<std::string> command_line_of(pid_t pid) {
  const auto text = file_text(folder_of(pid) / "cmdline");
  std::vector<std::string> words;
  for (std::size_t start = 0; start < text.size();) {
    const auto end = std::min(text.find('\0', start), text.size());
    words.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return words;
}

std::vector<pid_t> all_processes() {
  std::vector<pid_t> all;
  std::error_code failed;
  for (fs::directory_iterator entry("/proc", failed), end; !failed && entry != end; entry.increment(failed))
    if (const auto pid = number_of(entry->path().filename().string())) all.push_back(*pid);
  return all;
}

std::vector<pid_t> descendants_of(pid_t pid) {
  std::multimap<pid_t, pid_t> children;
  for (const auto one : all_processes())
    if (const auto stat = read_stat(one); stat && stat->state != 'Z') children.emplace(stat->parent, one);
  std::vector<pid_t> all;
  std::vector<pid_t> open = {pid};
  while (!open.empty()) {
    const auto parent = open.back();
    open.pop_back();
    const auto [begin, end] = children.equal_range(parent);
    for (auto child = begin; child != end; ++child) {
      all.push_back(child->second);
      open.push_back(child->second);
    }
  }
  return all;
}

bool is_running(pid_t pid) {
  const auto stat = read_stat(pid);
  return stat && !stat->ended() && !stat->stopped();
}

ProcessMemory memory_of(pid_t pid) { return memory_in(folder_of(pid)); }
ProcessMemory own_memory() { return memory_in("/proc/self"); }

std::int64_t peak_memory_of(pid_t pid) {
  constexpr std::string_view kPeak = "VmHWM:";  // in KiB
  std::istringstream lines(file_text(folder_of(pid) / "status"));
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(kPeak)) return std::strtoll(line.c_str() + kPeak.size(), nullptr, 10) * 1024;
  return 0;
}

fs::path own_program() {
  std::error_code failed;
  const fs::path program = fs::read_symlink("/proc/self/exe", failed);
  return failed || program.string().ends_with(" (deleted)") ? fs::path() : program;
}

fs::path own_folder() {
  std::error_code failed;
  const fs::path program = fs::read_symlink("/proc/self/exe", failed);  // its folder stays when it was replaced
  return failed ? fs::current_path(failed) : program.parent_path();
}

std::string boot_id() {
  const auto text = file_text("/proc/sys/kernel/random/boot_id");
  return text.substr(0, text.find('\n'));
}

std::string host_name(const std::string& unknown) {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : unknown;
}

}  // namespace ride::process
