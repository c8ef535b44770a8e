// The folder of one broker: its lock, what was chosen for it once (cluster id, node id, ports), and its files. A
// restart finds all of it again. Owner: the object holds the lock until it is destroyed; the broker inherits it, so
// that a broker that outlives its launcher still guards its folder. Threads: one at a time.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "broker-config/settings.h"
#include "common/result.h"
#include "process/file_lock.h"

namespace ride::broker {

struct FolderState {
  int node_id = 1;
  std::string cluster_id;  // 16 bytes, base64url, as Kafka wants it
  std::vector<Voter> quorum;
  int port = 0;
  bool formatted = false;  // Kafka's own files are there
  bool secure = false;     // with users: their passwords stand in these files

  bool operator==(const FolderState&) const = default;
};

// What a folder's broker.json says; nothing, where there is none. Reads only, without the lock.
Result<std::optional<FolderState>> read_state(const std::filesystem::path& root);

// For people, a line each.
using ReportLine = std::function<void(const std::string&)>;

class DataFolder {
 public:
  // Creates it if need be and locks it; waits a moment for a broker that is just ending, and ends one whose owner is
  // gone (folder_holder.h), which `report` gets a line about. already_exists: in use, or holds other files. permission,
  // corrupt: with place and fix. cancelled: `stop` broke the waiting off.
  static Result<DataFolder> open(const std::filesystem::path& root, std::stop_token stop = {},
                                 const ReportLine& report = {});
  DataFolder(DataFolder&&) noexcept = default;
  DataFolder& operator=(DataFolder&&) = delete;

  bool fresh() const { return fresh_; }  // no broker ever used it
  const FolderState& state() const { return state_; }
  Result<void> save(const FolderState& state);

  // Kafka's files have to fit the state: corrupt, when they are damaged, missing or of another cluster or node.
  Result<void> check_kafka_files() const;
  // Removes what an interrupted first start left.
  Result<void> clear_kafka_files();

  std::filesystem::path root() const { return root_; }
  std::filesystem::path kafka_files() const { return root_ / "kafka"; }
  std::filesystem::path settings_file() const { return root_ / "server.properties"; }
  std::filesystem::path log_file() const { return root_ / "broker.log"; }
  int lock_descriptor() const { return lock_.descriptor(); }
  // For who finds it locked. `owned`: the broker shall not outlive us, so it may be ended when we are gone.
  void note_process(int pid, bool owned);

 private:
  explicit DataFolder(std::filesystem::path root) : root_(std::move(root)) {}
  Result<void> lock(const std::stop_token& stop, const ReportLine& report);
  Result<void> end_orphan(const std::stop_token& stop, const ReportLine& report);

  std::filesystem::path root_;
  process::FileLock lock_;
  bool fresh_ = true;
  FolderState state_;
};

// A new cluster id, or the one that all nodes of a quorum work out alike without talking to each other.
std::string random_cluster_id();
std::string cluster_id_of(const std::vector<Voter>& quorum);

// Writes beside, syncs and renames: the file is the old one or the new one, never half.
Result<void> write_file(const std::filesystem::path& file, std::string_view text);

}  // namespace ride::broker
