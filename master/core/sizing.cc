#include "master/core/sizing.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace ride::master {

namespace {

constexpr double kOnTheirWaySeconds = 0.5;  // of arrivals: frames that are being worked on are no lag
constexpr double kIdle = 0.5;               // below it, workers are not what holds the frames up
constexpr double kTolerance = 0.1;          // of a worker: a rate that wavers around a whole number changes nothing

// The rates of all, the fastest first; empty while not even a usual one is known.
std::vector<double> rates_of(const StageLoad& load) {
  std::vector<double> known;
  for (const auto& rate : load.rates)
    if (rate && *rate > 0) known.push_back(*rate);
  const auto usual =
      known.empty()
          ? load.usual_rate
          : std::optional(std::accumulate(known.begin(), known.end(), 0.0) / static_cast<double>(known.size()));
  if (!usual || *usual <= 0) return {};
  known.resize(std::max<std::size_t>(1, load.rates.size()), *usual);
  std::sort(known.rbegin(), known.rend());
  return known;
}

int enough_for(double needed, const std::vector<double>& rates) {
  double sum = 0;
  int count = 0;
  for (const auto rate : rates) {
    if (sum + kTolerance * rate >= needed && count > 0) return count;
    sum += rate;
    ++count;
  }
  const double mean = sum / count;
  return count + static_cast<int>(std::max(0.0, std::ceil((needed - sum) / mean - kTolerance)));
}

}  // namespace

std::optional<SizeAdvice> advise(const StageLoad& load, const stream::ScalingSpec& scaling) {
  const auto rates = rates_of(load);
  if (rates.empty() || !load.arrival) return std::nullopt;
  const double arrival = *load.arrival;
  const double drain = static_cast<double>(std::max<std::int64_t>(scaling.drain_ms, 1)) / 1000;
  const bool held_up_elsewhere = load.utilisation && *load.utilisation < kIdle;
  const double on_their_way = arrival * kOnTheirWaySeconds + static_cast<double>(load.rates.size());
  const double lag = held_up_elsewhere ? 0 : std::max(0.0, load.lag - on_their_way);
  const double all = std::accumulate(rates.begin(), rates.end(), 0.0);
  const auto needed = [&](double fps) {
    return std::max(fps / std::clamp(scaling.target, 0.05, 1.0), fps + lag / drain);
  };
  const double sure = load.arrival_at_least > all ? arrival : std::min(arrival, load.steady_at_least);
  const double lag_seconds = load.lag / all;  // if nothing came in and all were busy
  return SizeAdvice{.enough = enough_for(needed(arrival), rates),
                    .surely = enough_for(needed(sure), rates),
                    .why = fmt::format("{:.1f} fps in, {:.1f} fps per worker, lag {:.1f} s, drain in {:g} s", arrival,
                                       all / static_cast<double>(rates.size()), lag_seconds, drain)};
}

}  // namespace ride::master
