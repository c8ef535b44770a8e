#include "master/core/group_rates.h"

namespace ride::master {

namespace {

class Mean {
 public:
  void add(std::optional<double> value) {
    if (!value) return;
    sum_ += *value;
    ++count_;
  }
  std::optional<double> value() const { return count_ == 0 ? std::nullopt : std::optional(sum_ / count_); }

 private:
  double sum_ = 0;
  int count_ = 0;
};

}  // namespace

std::optional<double> service_rate_of(const Process& process) {
  if (const auto rate = process.rate.frames_per_busy_second()) return rate;
  return process.last.service_rate > 0 ? std::optional(process.last.service_rate) : std::nullopt;
}

GroupRates rates_of(const Soft& soft, const std::set<WorkerId>& workers) {
  GroupRates rates;
  Mean rate, busy;
  for (const auto& worker : workers) {
    const auto process = soft.processes.find(worker);
    const bool heard = process != soft.processes.end() && process->second.heard;
    rates.each.push_back(heard ? service_rate_of(process->second) : std::nullopt);
    rate.add(rates.each.back());
    if (heard) busy.add(process->second.rate.utilisation());
  }
  rates.mean = rate.value();
  rates.utilisation = busy.value();
  return rates;
}

}  // namespace ride::master
