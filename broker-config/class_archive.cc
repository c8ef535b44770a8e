#include "broker-config/class_archive.h"

#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

namespace ride::broker {
namespace {
namespace fs = std::filesystem;

std::string key_of(const Java& java, const KafkaLibs& libs) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a (Fowler, Noll, Vo 1991)
  const auto mix = [&hash](const std::string& text) {
    for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3ULL;
  };
  mix(java.program.string() + java.version);
  for (const fs::path& jar : libs.jars) {
    struct stat info {};
    stat(jar.c_str(), &info);  // Java refuses an archive whose jars have another time or size
    mix(fmt::format("{}:{}:{}", jar.string(), info.st_size, info.st_mtime));
  }
  return fmt::format("{:016x}", hash);
}

bool writable(const fs::path& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  return !failed && access(folder.c_str(), W_OK) == 0;
}

fs::path user_cache() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache && *cache) return fs::path(cache) / "ride";
  if (const char* home = std::getenv("HOME"); home && *home) return fs::path(home) / ".cache" / "ride";
  return {};
}

}  // namespace

ClassArchive::ClassArchive(const Java& java, const KafkaLibs& libs) {
  const std::string name = "classes-" + key_of(java, libs) + ".jsa";
  std::error_code failed;
  for (const fs::path& folder : {libs.folder.parent_path(), user_cache()}) {
    if (folder.empty()) continue;
    if (fs::exists(folder / name, failed)) {
      file_ = folder / name;
      recorded_ = true;
      return;
    }
    if (file_.empty() && writable(folder)) file_ = folder / name;
  }
  static std::atomic<int> counter{0};
  if (!file_.empty()) recording_ = fmt::format("{}.{}-{}", file_.string(), getpid(), ++counter);
}

std::vector<std::string> ClassArchive::flags() const {
  if (file_.empty()) return {};
  // Warnings about classes that cannot be archived are of no use to anyone.
  const std::string quiet = "-Xlog:cds=off,cds+dynamic=off,class+path=off";
  if (recorded_) return {"-XX:SharedArchiveFile=" + file_.string(), "-Xshare:auto", quiet};
  return {"-XX:ArchiveClassesAtExit=" + recording_.string(), quiet};
}

void ClassArchive::finish() {
  std::error_code failed;
  if (recording_.empty() || !fs::exists(recording_, failed)) return;
  fs::rename(recording_, file_, failed);
  if (failed) discard();
}

void ClassArchive::discard() {
  std::error_code failed;
  if (!recording_.empty()) fs::remove(recording_, failed);
}

}  // namespace ride::broker
