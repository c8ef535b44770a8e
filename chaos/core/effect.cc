#include "chaos/core/effect.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace ride::chaos {

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
  return values[std::clamp<std::size_t>(rank, 1, values.size()) - 1];
}

namespace {

// Over when every partition has delivered a frame captured behind the last late one, and a second went by without
// another.
class Recovery {
 public:
  Recovery(const std::set<PartitionId>& partitions, SystemTime fault) : last_late_(fault) {
    for (const auto partition : partitions) newest_[partition] = SystemTime{};
  }
  void add(const Arrival& one, bool late) {
    if (late) last_late_ = one.arrived;
    auto& newest = newest_[one.partition];
    newest = std::max(newest, one.captured);
  }
  bool over(SystemTime now) const {
    return now > last_late_ + kQuiet &&
           std::all_of(newest_.begin(), newest_.end(), [this](const auto& one) { return one.second > last_late_; });
  }
  SystemTime last_late() const { return last_late_; }

 private:
  SystemTime last_late_;
  std::map<PartitionId, SystemTime> newest_;
};

}  // namespace

Baseline baseline_of(std::span<const Arrival> arrivals, SystemTime from, SystemTime to) {
  Baseline baseline;
  std::vector<double> late;
  for (const auto& one : arrivals) {
    if (one.arrived < from || one.arrived >= to) continue;
    late.push_back(one.late_ms());
    baseline.partitions.insert(one.partition);
  }
  baseline.frames = late.size();
  baseline.median_ms = percentile(late, 0.5);
  baseline.p99_ms = percentile(std::move(late), 0.99);
  return baseline;
}

Effect effect_of(std::span<const Arrival> arrivals, SystemTime calm, SystemTime fault, SystemTime until) {
  return effect_of(arrivals, baseline_of(arrivals, calm, fault), fault, until);
}

Effect effect_of(std::span<const Arrival> arrivals, const Baseline& baseline, SystemTime fault, SystemTime until) {
  Effect effect;
  effect.frames_before = baseline.frames;
  effect.median_before_ms = baseline.median_ms;
  effect.p99_before_ms = baseline.p99_ms;
  double worst = effect.median_before_ms;
  Recovery recovery(baseline.partitions, fault);
  for (const auto& one : arrivals) {
    if (one.arrived < fault) continue;
    if (one.arrived > until || recovery.over(one.arrived)) break;
    ++effect.frames_after;
    worst = std::max(worst, one.late_ms());
    recovery.add(one, one.late_ms() > effect.p99_before_ms);
  }
  effect.recovered = recovery.over(until);
  effect.gap_ms = worst - effect.median_before_ms;
  effect.full_rate_ms = std::chrono::duration<double, std::milli>(recovery.last_late() - fault).count();
  return effect;
}

}  // namespace ride::chaos
