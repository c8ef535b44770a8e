#include "tests/simulation/control_feed.h"

namespace ride::simulation {

ControlFeed::ControlFeed(Surroundings& around, Host& host, const stream::TopicPartition& at, std::int64_t from,
                         Take take, std::function<void()> batch_done, std::function<void()> truncated)
    : around_(around),
      host_(host),
      line_(*around.kafka.find(at)),
      take_(std::move(take)),
      batch_done_(std::move(batch_done)),
      truncated_(std::move(truncated)),
      position_(std::max(from, line_.first)),
      end_at_start_(line_.visible) {
  watcher_ = line_.watch([this] { look(); });
  look();
}

void ControlFeed::look() {
  if (looking_) return;
  looking_ = true;
  host_.answer([this] { read(); }, false);
}

void ControlFeed::read() {
  looking_ = false;
  if (host_.cut() || host_.deaf()) return;
  if (position_ < line_.first) {
    position_ = line_.first;
    end_at_start_ = line_.visible;
    truncated_();
  }
  bool any = false;
  while (const auto* stored = around_.kafka.read(line_, position_)) {
    const auto copy = *stored;  // what it leads to may add records
    ++position_;
    any = true;
    take_(copy);
  }
  if (any || caught_up()) batch_done_();
}

}  // namespace ride::simulation
