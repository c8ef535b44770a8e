#include "producer/earlier_frames.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <utility>

#include "common/guarded_thread.h"
#include "common/log.h"

namespace ride::producer {
namespace {

constexpr std::chrono::milliseconds kCountPatience(2000), kStep(50), kAgain(1000);
// What a producer had sent when it was killed may still wait in a busy broker: the log is read until nothing comes.
constexpr std::chrono::milliseconds kSettled(3000);
constexpr int kTries = 5;  // with rests that double: a broker that restarts is back by then

// Each look-up has clients of its own; a producer that takes over a hundred cameras does not need them all at once.
std::timed_mutex one_at_a_time;

}  // namespace

EarlierFrames::EarlierFrames(LogAccess& log, std::shared_ptr<const stream::JobSpec> job,
                             const stream::SourceSpec& source, const stream::SourceBefore& before, SessionId mine)
    : log_(log), job_(std::move(job)), source_(source), before_(before), mine_(mine) {
  if (before_.session.value < 1 || before_.session >= mine_) return;
  const std::string name = "the count of source " + source_.name;
  thread_ = guarded_thread(
      name, [this] { look(); }, [](const Error& error) { log_error("{}", error.message); });
}

EarlierFrames::~EarlierFrames() {
  stop();
  if (thread_.joinable()) thread_.join();
}

void EarlierFrames::stop() { stop_ = true; }

void EarlierFrames::look() {
  auto rest = kAgain;
  std::int64_t known = -1;
  const auto wait = [this](std::chrono::milliseconds left) {
    for (; left > left.zero() && !stop_; left -= kStep) std::this_thread::sleep_for(kStep);
  };
  for (int tries = 0; !stop_;) {
    std::unique_lock turn(one_at_a_time, kStep);
    if (!turn) continue;
    auto found = count_session_frames(log_, *job_, source_, before_.session, mine_, kCountPatience, &stop_);
    turn.unlock();
    if (found) {
      {
        const std::lock_guard lock(mutex_);
        // What was seen to stand stands, also where a later look does not reach back as far.
        if (standing_)
          for (const auto& [session, frames] : standing_->frames)
            found->frames[session] = std::max(found->frames[session], frames);
        standing_ = std::move(*found);
      }
      const auto now = frames();
      if (now == std::exchange(known, now)) {
        log_info("source {}: earlier owners wrote {} frames of this run", source_.name, known);
        return;
      }
      wait(kSettled);
      continue;
    }
    if (stop_) return;
    if (++tries == kTries) {
      log_warning("source {}: what its earlier owners wrote cannot be read, so what they reported counts: {}",
                  source_.name, found.error().message);
      return;
    }
    wait(rest);
    rest *= 2;
  }
}

std::int64_t EarlierFrames::frames() const {
  const std::lock_guard lock(mutex_);
  std::int64_t last = before_.told, behind = 0;  // of the last reported session; of those without a report
  if (standing_) {
    for (const auto& [session, frames] : standing_->frames) {
      if (session == before_.session)
        last = std::max(last, frames);
      else
        behind += frames;
    }
  }
  return before_.frames + last + behind;
}

std::int64_t EarlierFrames::unwritten() const {
  const std::lock_guard lock(mutex_);
  if (!standing_ || !standing_->whole) return before_.unwritten;
  const auto found = standing_->frames.find(before_.session);
  const std::int64_t wrote = std::max(before_.told, found == standing_->frames.end() ? 0 : found->second);
  return before_.unwritten + std::max<std::int64_t>(0, before_.captured - wrote);
}

}  // namespace ride::producer
