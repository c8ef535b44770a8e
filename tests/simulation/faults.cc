#include "tests/simulation/faults.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <optional>

namespace ride::simulation {

const char* to_string(FaultKind kind) {
  switch (kind) {
    case FaultKind::crash:
      return "is killed";
    case FaultKind::pause:
      return "is stopped";
    case FaultKind::cut:
      return "is cut off";
    case FaultKind::deaf:
      return "is deaf";
    case FaultKind::slow:
      return "is slow";
    case FaultKind::late_requests:
      return "has late requests";
    case FaultKind::lost_answers:
      return "loses answers";
    case FaultKind::broker:
      return "fails";
    case FaultKind::successor:
      return "was succeeded by one that is killed";
    case FaultKind::scribe:
      return "is stopped or cut off";
  }
  return "";
}

namespace {

Fault draw_fault(Random& random, const Hosts& hosts, Time from, Time until) {
  Fault fault;
  fault.kind = static_cast<FaultKind>(random.below(kFaultKinds));
  fault.at = Time(random.between(from.count(), until.count()));
  // Some pass unnoticed, some are taken for a loss just so, some last.
  constexpr std::int64_t kLongest[] = {500'000, 1'000'000, 4'000'000};
  fault.length = std::min(Time(random.between(20'000, kLongest[random.below(3)])), until - fault.at);
  fault.target = static_cast<int>(random.below(fault.kind == FaultKind::broker ? 3 : hosts.all()));
  return fault;
}

// What makes it worse: the new owner dies, too, while the old one may still write; a source is killed while partitions
// have no leader.
std::optional<Fault> draw_wake(Random& random, const Hosts& hosts, const Fault& fault, Time until) {
  const auto soon = [&](std::int64_t least, std::int64_t most) {
    return std::min(fault.at + Time(random.between(least, most)), until);
  };
  const bool lingers = fault.kind == FaultKind::pause || fault.kind == FaultKind::cut || fault.kind == FaultKind::deaf;
  if (lingers && random.one_in(2))
    return Fault{FaultKind::successor, soon(550'000, fault.length.count() + 700'000), Time(0), fault.target};
  if (fault.kind == FaultKind::broker && random.one_in(2))
    return Fault{FaultKind::crash, soon(20'000, 600'000), Time(0),
                 hosts.masters + static_cast<int>(random.below(hosts.producers))};
  return std::nullopt;
}

}  // namespace

std::vector<Fault> draw_faults(Random& random, const Hosts& hosts, Time from, Time until) {
  std::vector<Fault> faults;
  for (auto left = random.between(3, 10); left > 0; --left) {
    const auto fault = draw_fault(random, hosts, from, until);
    faults.push_back(fault);
    if (const auto wake = draw_wake(random, hosts, fault, until)) faults.push_back(*wake);
  }
  // Long enough for another master to claim.
  if (random.one_in(3))
    faults.push_back({FaultKind::scribe, Time(random.between(from.count(), until.count() * 3 / 4)),
                      Time(random.between(1'200'000, 4'000'000))});
  std::sort(faults.begin(), faults.end(), [](const Fault& a, const Fault& b) { return a.at < b.at; });
  return faults;
}

std::string to_string(const Fault& fault, const std::string& target) {
  const auto ms = [](Time time) { return static_cast<double>(time.count()) / 1000.0; };
  const bool lasts = fault.length.count() > 0 && fault.kind != FaultKind::crash && fault.kind != FaultKind::broker;
  return fmt::format("{:10.3f} ms  {} {}", ms(fault.at), target, to_string(fault.kind)) +
         (lasts ? fmt::format(" for {:.0f} ms", ms(fault.length)) : "");
}

}  // namespace ride::simulation
