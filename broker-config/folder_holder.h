// Who holds a broker's data folder: the `ride` that started the broker (its owner) writes both into the folder's lock
// file, and a later start that finds the folder held can find out whether that owner is gone and only its broker is
// left. Reads /proc. Threads: any. Failure: what cannot be proven is no: nothing is ended then.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "process/process_id.h"

namespace ride::broker {

// What stands in a lock file.
struct FolderHolder {
  int broker = 0;  // 0: not started yet
  std::optional<process::ProcessId>
      owner;  // nothing: the broker is meant to outlive its launcher, or an older version wrote it
};
std::string to_text(const FolderHolder& holder);
FolderHolder parse_holder(const std::string& text);

// The owner is known, was of this boot and of our process numbers, and is gone: the broker is nobody's.
bool is_orphaned(const FolderHolder& holder);

// The processes that are provably this folder's broker: they have its lock open and run Kafka with its settings file.
// Wrapper scripts of Java are among them.
std::vector<int> brokers_of(const std::filesystem::path& lock, const std::filesystem::path& settings);

// Ends them while the lock file says that they are orphaned: SIGTERM, after `patience` SIGKILL. Each is looked at again
// when it is held and can be no other. True: none is left.
bool end_orphans_of(const std::filesystem::path& lock, const std::filesystem::path& settings,
                    std::chrono::milliseconds patience, std::stop_token stop = {});

}  // namespace ride::broker
