#include "broker-config/data_folder.h"

#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <sstream>
#include <thread>

#include "broker-config/folder_holder.h"
#include "common/file_text.h"
#include "common/json.h"
#include "process/whole_file.h"

namespace ride::broker {
namespace {
namespace fs = std::filesystem;

constexpr int kFormat = 1;  // of broker.json
using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kLockPatience{3};
constexpr std::chrono::milliseconds kOrphanPatience{1000};  // it may be ending by itself
constexpr std::chrono::milliseconds kOrphanEnd{5000};       // from SIGTERM to SIGKILL

std::string fix_of(ErrorCode code) {
  if (code == ErrorCode::permission) return ": give the broker a folder that it may write to (--data)";
  if (code == ErrorCode::resource_exhausted) return ": free some space, or choose another disk (--data)";
  return {};
}

Error from_errno(const std::string& what, int error) {
  const ErrorCode code = error == EACCES || error == EPERM || error == EROFS ? ErrorCode::permission
                         : error == ENOSPC || error == EDQUOT                ? ErrorCode::resource_exhausted
                                                                             : ErrorCode::internal;
  return {code, fmt::format("{}: {}{}", what, std::strerror(error), fix_of(code))};
}

Error damaged(const fs::path& root, const std::string& why) {
  return {ErrorCode::corrupt,
          fmt::format("the broker's data in {} is damaged ({}): restore the folder, or move it away to start empty",
                      root.string(), why)};
}

// Kafka wants 16 bytes in base64url without padding; the first bit is cleared so that the text does not begin with '-',
// which command lines take for an option.
std::string encode_id(std::array<std::uint8_t, 16> bytes) {
  constexpr const char* kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  bytes[0] &= 0x7F;
  std::string out;
  for (std::size_t bit = 0; bit < 128; bit += 6) {
    unsigned digit = 0;
    for (std::size_t i = bit; i < bit + 6; ++i) {
      digit = digit * 2 + (i < 128 ? (bytes[i / 8] >> (7 - i % 8)) & 1U : 0U);
    }
    out += kDigits[digit];
  }
  return out;
}

std::map<std::string, std::string> read_properties(const fs::path& file) {
  std::map<std::string, std::string> values;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const auto equals = line.find('=');
    if (!line.starts_with('#') && equals != line.npos) values[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return values;
}

}  // namespace

Result<void> write_file(const fs::path& file, std::string_view text) {
  auto written = process::write_whole_file(file, text);
  if (written.ok()) return written;
  return Error{written.error().code, written.error().message + fix_of(written.error().code)};
}

std::string random_cluster_id() {
  std::random_device random;
  std::array<std::uint8_t, 16> bytes{};
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return encode_id(bytes);
}

std::string cluster_id_of(const std::vector<Voter>& quorum) {
  // FNV-1a (Fowler, Noll, Vo 1991), twice with different starts; it names, it does not protect.
  const std::string text = to_string(quorum);
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t half = 0; half < 2; ++half) {
    std::uint64_t hash = 0xcbf29ce484222325ULL + half;
    for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3ULL;
    for (std::size_t i = 0; i < 8; ++i) bytes[half * 8 + i] = static_cast<std::uint8_t>(hash >> (8 * i));
  }
  return encode_id(bytes);
}

Result<DataFolder> DataFolder::open(const fs::path& root, std::stop_token stop, const ReportLine& report) {
  std::error_code failed;
  const fs::path absolute = fs::weakly_canonical(fs::absolute(root), failed);
  fs::create_directories(absolute, failed);
  if (failed) return from_errno("cannot create the data folder " + absolute.string(), failed.value());
  const bool ours = fs::exists(absolute / "broker.json", failed) || fs::exists(absolute / "lock", failed);
  if (!ours && !fs::is_empty(absolute, failed)) {
    return Error{ErrorCode::already_exists,
                 fmt::format("the folder {} holds other files and no broker's data: give an empty or new "
                             "folder (--data)",
                             absolute.string())};
  }
  DataFolder folder(absolute);
  RIDE_TRY(folder.lock(stop, report));
  RIDE_ASSIGN(auto kept, read_state(absolute));
  folder.fresh_ = !kept.has_value();
  if (kept) folder.state_ = std::move(*kept);
  return folder;
}

Result<void> DataFolder::lock(const std::stop_token& stop, const ReportLine& report) {
  const fs::path file = root_ / "lock";
  std::error_code failed;
  lock_ = process::FileLock(file, failed);
  if (failed) return from_errno("cannot write " + file.string(), failed.value());
  // Who was killed and starts again finds the old broker still ending: its launcher's death was its signal to.
  bool looked = false;
  for (const auto start = Clock::now();; std::this_thread::sleep_for(std::chrono::milliseconds(50))) {
    if (!lock_.try_lock()) return {};
    if (stop.stop_requested()) return Error{ErrorCode::cancelled, "stopped while waiting for the folder of the broker"};
    if (!looked && Clock::now() - start > kOrphanPatience) {
      looked = true;
      RIDE_TRY(end_orphan(stop, report));
    } else if (Clock::now() - start > kLockPatience) {
      break;
    }
  }
  const int broker = parse_holder(file_text(file)).broker;
  return Error{
      ErrorCode::already_exists,
      fmt::format(
          "the data folder {} is in use by a running broker{}: stop that one first, or choose another folder (--data)",
          root_.string(), broker <= 0 ? "" : fmt::format(" (process {})", broker))};
}

// A broker that its owner did not outlive: nobody else would ever end it, and nobody can use its folder.
Result<void> DataFolder::end_orphan(const std::stop_token& stop, const ReportLine& report) {
  const fs::path file = root_ / "lock";
  const auto holder = parse_holder(file_text(file));
  if (!is_orphaned(holder)) return {};
  const auto pids = brokers_of(file, settings_file());
  if (pids.empty()) return {};
  if (report)
    report(fmt::format(
        "a broker of an earlier run (process {}) still holds {} although the ride that started it (process {}) is "
        "gone: it is ended",
        fmt::join(pids, ", "), root_.string(), holder.owner->pid));
  if (end_orphans_of(file, settings_file(), kOrphanEnd, stop)) return {};
  if (stop.stop_requested()) return Error{ErrorCode::cancelled, "stopped while an earlier broker was being ended"};
  return Error{ErrorCode::already_exists,
               fmt::format("a broker of an earlier run (process {}) holds {} and cannot be ended: end it with kill -9",
                           fmt::join(pids, ", "), root_.string())};
}

void DataFolder::note_process(int pid, bool owned) {
  // For a message, and for who finds us gone: without it, the broker is left alone.
  lock_.write(to_text({pid, owned ? process::own_process_id() : std::nullopt}));
}

Result<std::optional<FolderState>> read_state(const fs::path& root) {
  if (!std::ifstream(root / "broker.json")) return std::optional<FolderState>();
  const auto text = file_text(root / "broker.json");
  const auto json = nlohmann::json::parse(text, nullptr, false);
  try {
    if (json.is_discarded()) return damaged(root, "broker.json is not JSON");
    if (json.at("format") != kFormat) {
      return Error{ErrorCode::unsupported,
                   fmt::format("{} was written by another version of ride: use that one, or move the folder away",
                               (root / "broker.json").string())};
    }
    auto quorum = parse_quorum(json.at("quorum").get<std::string>());
    if (!quorum.ok()) return damaged(root, "broker.json: " + quorum.error().message);
    FolderState state;
    state.node_id = json.at("node_id");
    state.cluster_id = json.at("cluster_id");
    state.quorum = std::move(*quorum);
    state.port = json.at("port");
    state.formatted = json.at("formatted");
    state.secure = json.value("secure", false);
    return std::optional(std::move(state));
  } catch (const nlohmann::json::exception& error) {
    return damaged(root, std::string("broker.json: ") + error.what());
  }
}

Result<void> DataFolder::save(const FolderState& state) {
  nlohmann::json json = {{"format", kFormat},
                         {"node_id", state.node_id},
                         {"cluster_id", state.cluster_id},
                         {"quorum", to_string(state.quorum)},
                         {"port", state.port},
                         {"formatted", state.formatted}};
  if (state.secure) json["secure"] = true;
  auto written = write_file(root_ / "broker.json", json.dump(2) + "\n");
  if (written.ok()) {
    state_ = state;
    fresh_ = false;
  }
  return written;
}

Result<void> DataFolder::check_kafka_files() const {
  std::error_code failed;
  const fs::path file = kafka_files() / "meta.properties";
  if (!fs::exists(file, failed)) return damaged(root_, "kafka/meta.properties is missing");
  const auto values = read_properties(file);
  const auto value = [&values](const char* name) {
    const auto found = values.find(name);
    return found == values.end() ? std::string() : found->second;
  };
  if (value("cluster.id").empty() || value("node.id").empty())
    return damaged(root_, "kafka/meta.properties cannot be read");
  if (value("cluster.id") != state_.cluster_id || value("node.id") != std::to_string(state_.node_id)) {
    return damaged(root_, fmt::format("its files are of cluster {} node {}, not of {} node {}", value("cluster.id"),
                                      value("node.id"), state_.cluster_id, state_.node_id));
  }
  return {};
}

Result<void> DataFolder::clear_kafka_files() {
  std::error_code failed;
  fs::remove_all(kafka_files(), failed);
  if (failed) return from_errno("cannot remove " + kafka_files().string(), failed.value());
  return {};
}

}  // namespace ride::broker
