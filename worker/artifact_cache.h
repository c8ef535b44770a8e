// The artifacts of a node (decision 0044): files by their content, below one folder that all workers of a user share.
// `<folder>/<sha256>/<name>`; what is being written is `.part-<sha256>`, and who writes holds `.lock-<sha256>`. A file
// is checked against its hash whenever a worker takes it up; one that does not fit is fetched again. Above
// `most_bytes`, or when the disk is full, the one that was taken up longest ago goes, but none that a worker holds:
// those of running stages may be more together. None goes before something of the new one has come. Threads: any;
// processes: any number. Failure: permission, resource_exhausted (retriable: the disk is full), cancelled; corrupt,
// final: what was fetched has another hash.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "common/environment.h"
#include "common/result.h"
#include "process/descriptor.h"
#include "stream/artifact_log.h"

namespace ride::worker {

// RIDE_ARTIFACTS, else $XDG_CACHE_HOME/ride/artifacts, else ~/.cache/ride/artifacts. not_found: none of them is set.
Result<std::filesystem::path> artifacts_folder(const Environment& environment = process_environment());

// A file of the cache that stays while this lives.
struct HeldArtifact {
  std::string path;
  process::Descriptor in_use;
};

class ArtifactCache {
 public:
  // Brings the bytes, in any order, each once.
  using Fill = std::function<Result<void>(const stream::WriteAt& write)>;

  explicit ArtifactCache(std::filesystem::path folder, std::int64_t most_bytes = std::int64_t{16} << 30)
      : folder_(std::move(folder)), most_bytes_(most_bytes) {}

  // `ref`: without a fault. Of several processes that want the same one, one calls its `fill`, the others wait.
  Result<HeldArtifact> get(const stream::ArtifactRef& ref, const Fill& fill, const stream::Stopped& stopped);

 private:
  std::filesystem::path path_of(const stream::ArtifactRef& ref) const { return folder_ / ref.sha256 / ref.name; }
  Result<std::optional<HeldArtifact>> hold(const stream::ArtifactRef& ref, const stream::Stopped& stopped) const;
  Result<void> put(const stream::ArtifactRef& ref, const Fill& fill, const stream::Stopped& stopped) const;
  Result<process::Descriptor> reserve(const std::filesystem::path& part, std::int64_t bytes,
                                      const stream::Stopped& stopped) const;
  void sweep_parts() const;

  std::filesystem::path folder_;
  std::int64_t most_bytes_;
};

}  // namespace ride::worker
