#include "cli/tap/adopted_topics.h"

#include <spdlog/fmt/fmt.h>

#include "common/log.h"
#include "stream/control_client.h"
#include "stream/core/decisions_filter.h"

namespace ride::cli {

Result<AdoptedTopics> adopted_topics(const kafka::ClientConfig& config, const std::string& prefix,
                                     std::chrono::milliseconds timeout) {
  const std::string log = prefix + ".decisions";
  RIDE_ASSIGN(auto reader, stream::open_control_reader(config, log));
  AdoptedStages stages;
  stream::DecisionsFilter filter;
  for (const auto deadline = std::chrono::steady_clock::now() + timeout; !reader->caught_up();) {
    if (std::chrono::steady_clock::now() > deadline)
      return Error{ErrorCode::timeout, fmt::format("{} did not come within {} ms", log, timeout.count()), true};
    RIDE_ASSIGN(const auto entries, reader->poll(std::chrono::milliseconds(50)));
    for (const auto& entry : entries) {
      RIDE_ASSIGN(const auto decision, filter.accept(entry.offset, entry.json, system_now()));
      if (!decision) continue;
      RIDE_TRY(stages.apply(*decision));
    }
  }
  for (const auto& words : filter.take_words()) log_warning("{}: {}", log, words);
  return stages.all();
}

}  // namespace ride::cli
