#include "tests/simulation/faults.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace ride::simulation {

const char* to_string(FaultKind kind) {
  switch (kind) {
    case FaultKind::crash:
      return "is killed";
    case FaultKind::pause:
      return "is stopped";
    case FaultKind::cut:
      return "is cut off";
    case FaultKind::slow:
      return "is slow";
    case FaultKind::late_requests:
      return "has late requests";
    case FaultKind::lost_answers:
      return "loses answers";
    case FaultKind::broker:
      return "fails";
  }
  return "";
}

std::vector<Fault> draw_faults(Random& random, int hosts, Time from, Time until) {
  std::vector<Fault> faults;
  for (auto left = random.between(3, 10); left > 0; --left) {
    Fault fault;
    fault.kind = static_cast<FaultKind>(random.below(kFaultKinds));
    fault.at = Time(random.between(from.count(), until.count()));
    // Some pass unnoticed, some are taken for a loss, some bring the 10 s limit near.
    const Time longest(random.one_in(2) ? 600'000 : 4'000'000);
    fault.length = std::min(Time(random.between(20'000, longest.count())), until - fault.at);
    fault.target = static_cast<int>(random.below(fault.kind == FaultKind::broker ? 3 : hosts));
    faults.push_back(fault);
  }
  std::sort(faults.begin(), faults.end(), [](const Fault& a, const Fault& b) { return a.at < b.at; });
  return faults;
}

std::string to_string(const Fault& fault, const std::string& target) {
  const auto ms = [](Time time) { return static_cast<double>(time.count()) / 1000.0; };
  const bool lasts = fault.kind != FaultKind::crash && fault.kind != FaultKind::broker;
  return fmt::format("{:10.3f} ms  {} {}", ms(fault.at), target, to_string(fault.kind)) +
         (lasts ? fmt::format(" for {:.0f} ms", ms(fault.length)) : "");
}

}  // namespace ride::simulation
