#include "broker-config/folder_holder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <sstream>

#include "common/file_text.h"
#include "process/proc.h"

namespace ride::broker {
namespace {
namespace fs = std::filesystem;
using process::read_stat;
using std::chrono::milliseconds;

constexpr milliseconds kKillPatience{10'000};

fs::path folder_of(int pid) { return fs::path("/proc") / std::to_string(pid); }

bool runs_kafka_with(int pid, const fs::path& settings) {
  const auto words = process::command_line_of(pid);
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
  const auto stat = read_stat(pid);
  return stat && !stat->ended() && runs_kafka_with(pid, settings) && has_open(pid, lock);
}

bool end_one(int pid, const fs::path& lock, const struct stat& about, const fs::path& settings, milliseconds patience,
             const std::stop_token& stop) {
  const process::HeldProcess held(pid);
  if (!held.ok() || !is_broker_of(pid, about, settings)) return !fs::exists(folder_of(pid));
  // Another start may have been faster: whoever takes the lock names itself there before it runs a broker.
  if (!is_orphaned(parse_holder(file_text(lock)))) return false;
  held.send(SIGTERM);
  held.send(SIGCONT);  // one that is stopped would not hear it
  if (held.ended_within(patience, stop)) return true;
  if (stop.stop_requested()) return false;
  held.send(SIGKILL);
  return held.ended_within(kKillPatience, stop);
}

}  // namespace

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
  process::ProcessId owner;
  if (in >> owner.pid >> owner.started >> owner.boot >> owner.namespace_ && owner.pid > 0) holder.owner = owner;
  return holder;
}

bool is_orphaned(const FolderHolder& holder) {
  const auto own = process::own_process_id();
  return own && holder.owner && holder.owner->boot == own->boot && holder.owner->namespace_ == own->namespace_ &&
         !process::runs(*holder.owner);
}

std::vector<int> brokers_of(const fs::path& lock, const fs::path& settings) {
  std::vector<int> found;
  struct stat about {};
  if (::stat(lock.c_str(), &about) != 0) return found;
  const auto own = process::namespace_of(getpid());
  for (const int pid : process::all_processes())
    if (pid != getpid() && is_broker_of(pid, about, settings) && process::namespace_of(pid) == own)
      found.push_back(pid);
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
