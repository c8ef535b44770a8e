#include "producer/core/silence.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace ride::producer {

std::string silence_text(const Silence& silence) {
  constexpr Duration kAtLeast = std::chrono::seconds(5);
  if (silence.lasts < std::max(kAtLeast, 3 * silence.between_frames)) return "";
  if (silence.may_be_silent && !silence.unacknowledged) return "";
  return fmt::format("no frame for {} s: {}", std::chrono::duration_cast<std::chrono::seconds>(silence.lasts).count(),
                     silence.unacknowledged ? "Kafka has not acknowledged what was sent" : "the source sends none");
}

}  // namespace ride::producer
