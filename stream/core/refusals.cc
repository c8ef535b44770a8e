#include "stream/core/refusals.h"

#include <spdlog/fmt/fmt.h>

#include "stream/core/control_limits.h"

namespace ride::stream {

namespace {

constexpr std::chrono::seconds kReportEvery{60};

}  // namespace

const char* to_string(Refused kind) {
  switch (kind) {
    case Refused::unreadable:
      return "unreadable";
    case Refused::foreign_log:
      return "foreign_log";
    case Refused::contradiction:
      return "contradiction";
    case Refused::snapshot:
      return "snapshot";
    case Refused::forged:
      return "forged";
  }
  return "";
}

std::optional<std::string> Refusals::add(Refused kind, std::string why, SystemTime now) {
  ++count_;
  auto& one = kinds_.at(static_cast<std::size_t>(kind));
  if (one.reported && now >= *one.reported && now - *one.reported < kReportEvery) {
    ++one.unreported;
    return std::nullopt;
  }
  one.reported = now;
  cut(why);
  for (char& c : why)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  if (const auto unreported = std::exchange(one.unreported, 0); unreported > 0)
    why += fmt::format(" (and {} more like it since the last report)", unreported);
  return why;
}

}  // namespace ride::stream
