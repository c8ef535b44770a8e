#include "broker-config/folder_holder.h"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "common/file_text.h"

namespace ride::broker {
namespace {
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kKillPatience{10'000};
constexpr int kLookMs = 50;

fs::path folder_of(int pid) { return fs::path("/proc") / std::to_string(pid); }

std::string first_line(const fs::path& file) {
  const auto text = file_text(file);
  return text.substr(0, text.find('\n'));
}

std::string namespace_of(int pid) {
  std::error_code failed;
  const auto link = fs::read_symlink(folder_of(pid) / "ns" / "pid", failed);
  return failed ? std::string() : link.string();
}

struct Stat {
  char state = 'X';
  std::string started;
};

// "4242 (java) S ...": the name may hold anything, so fields are counted behind its last bracket.
std::optional<Stat> stat_of(int pid) {
  const auto text = file_text(folder_of(pid) / "stat");
  const auto end = text.rfind(')');
  if (end == text.npos) return std::nullopt;
  std::istringstream fields(text.substr(end + 1));
  Stat stat;
  std::string field;
  fields >> stat.state;
  for (int number = 4; number <= 22 && fields >> field; ++number)
    if (number == 22) stat.started = field;
  if (stat.started.empty()) return std::nullopt;
  return stat;
}

bool runs_kafka_with(int pid, const fs::path& settings) {
  const auto text = file_text(folder_of(pid) / "cmdline");
  std::vector<std::string> words;
  for (std::size_t start = 0; start < text.size();) {
    const auto end = std::min(text.find('\0', start), text.size());
    words.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  const auto has = [&words](const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  return has("kafka.Kafka") && has(settings.string());
}

bool has_open(int pid, const struct stat& file) {
  std::error_code failed;
  for (fs::directory_iterator entry(folder_of(pid) / "fd", failed), end; !failed && entry != end;
       entry.increment(failed)) {
    struct stat about {};
    if (::stat(entry->path().c_str(), &about) == 0 && about.st_dev == file.st_dev && about.st_ino == file.st_ino)
      return true;
  }
  return false;
}

bool is_broker_of(int pid, const struct stat& lock, const fs::path& settings) {
  const auto stat = stat_of(pid);
  return stat && stat->state != 'Z' && stat->state != 'X' && runs_kafka_with(pid, settings) && has_open(pid, lock);
}

// A process that is held: its number is not given to another one meanwhile.
class Held {
 public:
  explicit Held(int pid) : descriptor_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {}
  ~Held() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  bool ok() const { return descriptor_ >= 0; }
  void send(int signal) const { syscall(SYS_pidfd_send_signal, descriptor_, signal, nullptr, 0); }
  bool ended_within(milliseconds time, const std::stop_token& stop) const {
    for (const auto until = Clock::now() + time; !stop.stop_requested();) {
      pollfd entry{descriptor_, POLLIN, 0};
      if (poll(&entry, 1, kLookMs) > 0) return true;
      if (Clock::now() > until) return false;
    }
    return false;
  }

 private:
  int descriptor_;
};

bool end_one(int pid, const fs::path& lock, const struct stat& about, const fs::path& settings, milliseconds patience,
             const std::stop_token& stop) {
  const Held process(pid);
  if (!process.ok() || !is_broker_of(pid, about, settings)) return !fs::exists(folder_of(pid));
  // Another start may have been faster: whoever takes the lock names itself there before it runs a broker.
  if (!is_orphaned(parse_holder(file_text(lock)))) return false;
  process.send(SIGTERM);
  process.send(SIGCONT);  // one that is stopped would not hear it
  if (process.ended_within(patience, stop)) return true;
  if (stop.stop_requested()) return false;
  process.send(SIGKILL);
  return process.ended_within(kKillPatience, stop);
}

}  // namespace

std::optional<ProcessId> own_process_id() {
  const auto stat = stat_of(getpid());
  ProcessId own{getpid(), stat ? stat->started : "", first_line("/proc/sys/kernel/random/boot_id"),
                namespace_of(getpid())};
  if (own.started.empty() || own.boot.empty() || own.namespace_.empty()) return std::nullopt;
  return own;
}

bool runs(const ProcessId& process) {
  const auto stat = stat_of(process.pid);
  return stat && stat->started == process.started && stat->state != 'Z' && stat->state != 'X';
}

std::string to_text(const FolderHolder& holder) {
  std::string text = std::to_string(holder.broker) + "\n";
  if (const auto& owner = holder.owner)
    text += std::to_string(owner->pid) + " " + owner->started + " " + owner->boot + " " + owner->namespace_ + "\n";
  return text;
}

FolderHolder parse_holder(const std::string& text) {
  std::istringstream in(text);
  FolderHolder holder;
  if (!(in >> holder.broker) || holder.broker < 0) return {};
  ProcessId owner;
  if (in >> owner.pid >> owner.started >> owner.boot >> owner.namespace_ && owner.pid > 0) holder.owner = owner;
  return holder;
}

bool is_orphaned(const FolderHolder& holder) {
  const auto own = own_process_id();
  return own && holder.owner && holder.owner->boot == own->boot && holder.owner->namespace_ == own->namespace_ &&
         !runs(*holder.owner);
}

std::vector<int> brokers_of(const fs::path& lock, const fs::path& settings) {
  std::vector<int> found;
  struct stat about {};
  if (::stat(lock.c_str(), &about) != 0) return found;
  const auto own = namespace_of(getpid());
  std::error_code failed;
  for (fs::directory_iterator entry("/proc", failed), end; !failed && entry != end; entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    if (name.empty() || name.size() > 9 || name.find_first_not_of("0123456789") != std::string::npos) continue;
    const int pid = std::stoi(name);
    if (pid != getpid() && is_broker_of(pid, about, settings) && namespace_of(pid) == own) found.push_back(pid);
  }
  return found;
}

bool end_orphans_of(const fs::path& lock, const fs::path& settings, milliseconds patience, std::stop_token stop) {
  struct stat about {};
  if (::stat(lock.c_str(), &about) != 0) return false;
  bool all = true;
  for (const int pid : brokers_of(lock, settings)) all = end_one(pid, lock, about, settings, patience, stop) && all;
  return all && !stop.stop_requested() && brokers_of(lock, settings).empty();
}

}  // namespace ride::broker
