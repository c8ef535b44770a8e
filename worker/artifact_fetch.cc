#include "worker/artifact_fetch.h"

#include <chrono>

#include "common/log.h"
#include "common/units.h"
#include "stream/kafka/admin.h"
#include "stream/kafka/reader.h"

namespace ride::worker {
namespace {

constexpr std::chrono::seconds kBrokersAnswer(3);  // who is asked to stop waits no longer
constexpr std::int64_t kAhead = 8 << 20;

Result<void> download(const kafka::ClientConfig& config, const std::string& topic, const stream::ArtifactRef& ref,
                      const stream::WriteAt& write, const stream::Stopped& stopped) {
  log_info("fetches the artifact '{}' ({}) from {}", ref.name, format_byte_size({ref.size}), topic);
  const auto began = std::chrono::steady_clock::now();
  RIDE_ASSIGN(const auto admin, kafka::open_admin(config, kBrokersAnswer));
  // The group exists for the client's sake only: nothing is ever committed in it.
  RIDE_ASSIGN(const auto reader,
              kafka::KafkaReader::open(
                  config, {.group = "ride-control-reader", .prefetch_bytes = kAhead, .reports_ends = true}));
  RIDE_TRY(stream::download_artifact(*reader, *admin, topic, ref, write, stopped));
  log_info(
      "artifact '{}' ({}) came from {} in {}", ref.name, format_byte_size({ref.size}), topic,
      format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began)));
  return {};
}

}  // namespace

FetchArtifact fetch_from_kafka(const kafka::ClientConfig& config, const std::string& prefix,
                               const std::string& folder) {
  return [config, topic = stream::artifacts_topic(prefix), folder](
             const stream::ArtifactRef& ref, const stream::Stopped& stopped) -> Result<HeldArtifact> {
    std::filesystem::path place = folder;
    if (folder.empty()) {
      RIDE_ASSIGN(place, artifacts_folder());
    }
    const auto fill = [&](const stream::WriteAt& write) { return download(config, topic, ref, write, stopped); };
    return ArtifactCache(place).get(ref, fill, stopped);
  };
}

}  // namespace ride::worker
