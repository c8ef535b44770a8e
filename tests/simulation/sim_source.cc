#include "tests/simulation/sim_source.h"

#include "tests/simulation/sim_task.h"

namespace ride::simulation {

namespace {

const Error kBroke{ErrorCode::unavailable, "the source broke", true};

}  // namespace

SimSource::SimSource(Config config, Random random) : config_(std::move(config)), random_(random) {
  if (config_.spec.finite) total_ = std::get<std::int64_t>(config_.spec.params.at("frames"));
}

Result<void> SimSource::open(std::int64_t first) {
  if (random_.one_in(20)) return kBroke;
  if (config_.spec.finite) next_ = std::max(first, config_.first);
  return {};
}

Result<producer::Pulled> SimSource::next(std::chrono::milliseconds) {
  if (total_ >= 0 && next_ >= total_) return producer::Pulled(producer::SourceEnded{});
  if (config_.clock.now() < due_) return producer::Pulled(producer::NothingYet{});
  if (random_.one_in(300)) return kBroke;
  if (!config_.spec.finite) {
    const auto pace = static_cast<std::int64_t>(1e6 / config_.spec.fps);
    due_ = config_.clock.now() + Time(random_.between(pace / 2, pace * 3 / 2));
  }
  const auto number = next_++;
  if (is_broken(number)) return producer::Pulled(producer::RejectedItem{number, "item", "is no picture"});
  producer::CapturedFrame frame;
  frame.number = number;
  frame.captured_at = config_.clock.wall();
  frame.grabbed_at = clock_of(config_.clock).now();
  frame.image = SimTask::picture(random_.one_in(4), static_cast<std::uint8_t>(random_.below(256)));
  return producer::Pulled(std::move(frame));
}

producer::SourceState SimSource::state() const { return {.live = !config_.spec.finite, .total = total_}; }

void SimSource::acknowledged(std::int64_t number) {
  if (!is_broken(number)) config_.acknowledged(number);
}

}  // namespace ride::simulation
