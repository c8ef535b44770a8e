// What /proc says of processes (proc(5)): this one, another one, all of them. A process may end between two reads: what
// is not there is empty or zero. Threads: any.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ride::process {

// One line of /proc/PID/stat, as far as it is of use.
struct ProcessStat {
  char state = 'X';  // R running, S sleeping, T stopped, Z ended and not waited for, X gone, ...
  pid_t parent = 0;
  double cpu_seconds = 0;  // user and system
  std::string started;     // ticks since the machine began: with the number it names one process
  bool ended() const { return state == 'Z' || state == 'X'; }
  bool stopped() const { return state == 'T' || state == 't'; }  // SIGSTOP, or a debugger
};
std::optional<ProcessStat> read_stat(pid_t pid);
// For tests: from the file's text.
std::optional<ProcessStat> parse_stat(const std::string& text);

std::vector<std::string> command_line_of(pid_t pid);
std::vector<pid_t> all_processes();
// Whoever was started by `pid`, and by those, in turn; those that have ended are left out.
std::vector<pid_t> descendants_of(pid_t pid);
// It is there, has not ended, and is not stopped.
bool is_running(pid_t pid);

struct ProcessMemory {
  std::int64_t resident = 0, shared = 0;  // bytes; shared: with files
  std::int64_t unshared() const { return resident > shared ? resident - shared : 0; }
};
ProcessMemory memory_of(pid_t pid);
std::int64_t peak_memory_of(pid_t pid);  // bytes, the largest resident so far
ProcessMemory own_memory();
std::optional<ProcessStat> own_stat();

// The file of the running program; empty: it was replaced or removed meanwhile.
std::filesystem::path own_program();
// The folder where it is, and RIDE's other programs beside it; the working folder where that is not known.
std::filesystem::path own_folder();

std::string boot_id();  // of the running kernel; containers share it
// The machine's own name; `unknown` where it has none.
std::string host_name(const std::string& unknown = "localhost");

}  // namespace ride::process
