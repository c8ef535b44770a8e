#include "producer/earlier_frames.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/guarded_thread.h"
#include "common/log.h"
#include "producer/resume_point.h"

namespace ride::producer {
namespace {

constexpr std::chrono::milliseconds kPatience(2000), kStep(50), kAgain(1000);

// Each look-up has clients of its own; a producer that takes over a hundred cameras does not need them all at once.
std::timed_mutex one_at_a_time;

}  // namespace

EarlierFrames::EarlierFrames(LogAccess& log, std::shared_ptr<const stream::JobSpec> job, const stream::SourceSpec& source,
                             const stream::SourceBefore& before, SessionId mine)
    : log_(log), job_(std::move(job)), source_(source), before_(before), mine_(mine) {
  if (before_.session.value < 1 || before_.session >= mine_) return;
  const std::string name = "the count of source " + source_.name;
  thread_ = guarded_thread(name, [this] { look(); }, [](const Error& error) { log_error("{}", error.message); });
}

EarlierFrames::~EarlierFrames() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

void EarlierFrames::look() {
  for (bool told = false; !stop_;) {
    std::unique_lock turn(one_at_a_time, kStep);
    if (!turn) continue;
    auto found = find_standing(log_, *job_, source_, before_.session, mine_, kPatience);
    if (found) {
      const std::lock_guard lock(mutex_);
      standing_ = *found;
      return;
    }
    turn.unlock();
    if (!told) log_warning("source {}: what was written before cannot be read yet: {}", source_.name, found.error().message);
    told = true;
    for (auto rest = kAgain; rest > rest.zero() && !stop_; rest -= kStep) std::this_thread::sleep_for(kStep);
  }
}

std::int64_t EarlierFrames::frames() const {
  const std::lock_guard lock(mutex_);
  return before_.frames + std::max(before_.told, standing_.value_or(0));
}

std::int64_t EarlierFrames::unwritten() const {
  const std::lock_guard lock(mutex_);
  if (!standing_) return before_.unwritten;
  return before_.unwritten + std::max<std::int64_t>(0, before_.captured - std::max(before_.told, *standing_));
}

}  // namespace ride::producer
