#include "chaos/core/plan.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <random>
#include <utility>

namespace ride::chaos {

namespace {

constexpr int kMostProcesses = 1'000;          // of a kind
constexpr std::int64_t kMostFaults = 100'000;  // all are drawn before the first happens
constexpr milliseconds kLongest = std::chrono::hours(24 * 365);

constexpr std::array<const char*, 4> kKinds = {"kill", "stop", "cut", "slow"};

// The standard leaves its distributions' results open: the same seed must give the same schedule everywhere.
std::uint64_t below(std::mt19937_64& random, std::uint64_t limit) { return limit == 0 ? 0 : random() % limit; }

std::string role_of(const std::string& target) {
  for (const char* role : {"worker", "node", "master", "broker"})
    if (target.starts_with(role) && target.find('-') == std::string::npos) return role;
  return "worker";
}

Result<void> check_fault(const Plan& plan, FaultKind kind, const std::string& target, milliseconds lasts, int percent) {
  const auto wrong = [&](const std::string& why) {
    return Error{ErrorCode::invalid_argument, fmt::format("{} {}: {}", to_string(kind), target, why)};
  };
  const auto role = role_of(target);
  if (target.empty())
    return wrong("what should it hit? Write worker, node, master or broker, or one by name, such as node2-w1");
  if (kind != FaultKind::kill && lasts.count() <= 0) return wrong("it needs a duration, for example for: 3s");
  if (kind == FaultKind::slow && (percent < 1 || percent > 90)) return wrong("to: takes 1% to 90% of a core");
  if (role == "broker" && kind != FaultKind::slow && plan.brokers < 3)
    return wrong("one of fewer than three brokers cannot be spared; write brokers: 3");
  if (kind == FaultKind::cut && (role == "worker" || role == "broker"))
    return wrong("a worker's or broker's connections cannot be distinguished from others; cut its node, or stop it");
  return {};
}

}  // namespace

const char* to_string(FaultKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }

std::optional<FaultKind> parse_fault_kind(std::string_view text) {
  for (std::size_t i = 0; i < kKinds.size(); ++i)
    if (text == kKinds[i]) return static_cast<FaultKind>(i);
  return std::nullopt;
}

std::string describe(const Fault& fault) {
  std::string text = fmt::format("{} {}", to_string(fault.kind), fault.target);
  if (fault.kind == FaultKind::slow) text += fmt::format(" to {}%", fault.percent);
  if (fault.lasts.count() > 0) text += " for " + format_duration(fault.lasts);
  return text;
}

std::vector<Fault> schedule_of(const Plan& plan, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Fault> drawn;
  for (const auto& some : plan.random) {
    for (int i = 0; i < some.count; ++i) {
      Fault fault{.kind = some.kind, .target = some.target, .percent = some.percent};
      const auto range = static_cast<std::uint64_t>(std::max<std::int64_t>(0, (some.longest - some.shortest).count()));
      if (some.kind != FaultKind::kill) fault.lasts = some.shortest + milliseconds(below(random, range + 1));
      drawn.push_back(std::move(fault));
    }
  }
  for (std::size_t i = drawn.size(); i > 1; --i) std::swap(drawn[i - 1], drawn[below(random, i)]);
  const auto count = static_cast<std::int64_t>(drawn.size());
  for (std::int64_t i = 0; i < count; ++i) {
    const auto begin = plan.over * i / count, end = plan.over * (i + 1) / count;
    drawn[static_cast<std::size_t>(i)].at =
        begin + milliseconds(below(random, static_cast<std::uint64_t>((end - begin).count())));
  }
  drawn.insert(drawn.end(), plan.faults.begin(), plan.faults.end());
  std::stable_sort(drawn.begin(), drawn.end(), [](const Fault& a, const Fault& b) { return a.at < b.at; });
  return drawn;
}

namespace {

// What would fill the machine, or no clock can count.
Result<void> check_sizes(const Plan& plan) {
  if (plan.brokers < 1 || plan.masters < 1 || plan.nodes < 1 || plan.slots < 1)
    return Error{ErrorCode::invalid_argument, "a run needs at least one broker, one master, one node and one slot"};
  for (const int count : {plan.brokers, plan.masters, plan.nodes, plan.slots})
    if (count > kMostProcesses)
      return Error{ErrorCode::invalid_argument,
                   fmt::format("{} brokers, masters, nodes or slots are more than a local run can have ({})", count,
                               kMostProcesses)};
  auto count = static_cast<std::int64_t>(plan.faults.size());
  for (const auto& some : plan.random) count += some.count;
  if (count > kMostFaults)
    return Error{ErrorCode::invalid_argument,
                 fmt::format("the plan has {} faults, and {} is the most; write a smaller times:", count, kMostFaults)};
  auto longest = std::max({plan.calm, plan.over, plan.back_after});
  for (const auto& fault : plan.faults) longest = std::max({longest, fault.at, fault.lasts});
  for (const auto& some : plan.random) longest = std::max(longest, some.longest);
  if (longest > kLongest)
    return Error{ErrorCode::invalid_argument,
                 fmt::format("{} is too long for a plan; a year is the most", format_duration(longest))};
  return {};
}

}  // namespace

Result<void> check_plan(const Plan& plan) {
  RIDE_TRY(check_sizes(plan));
  for (const auto& fault : plan.faults)
    RIDE_TRY(check_fault(plan, fault.kind, fault.target, fault.lasts, fault.percent));
  for (const auto& some : plan.random) {
    const auto lasts = std::min(some.shortest, some.longest);
    RIDE_TRY(check_fault(plan, some.kind, some.target, lasts, some.percent));
  }
  if (!plan.random.empty() && plan.over.count() <= 0)
    return Error{ErrorCode::invalid_argument, "random faults need a time to be spread over, for example over: 2m"};
  if (plan.faults.empty() && plan.random.empty())
    return Error{ErrorCode::invalid_argument, "the plan holds no fault; write faults: or random:"};
  return {};
}

}  // namespace ride::chaos
