#include "worker/visible_retry.h"

#include <algorithm>
#include <thread>

#include "common/units.h"

namespace ride::worker {
namespace {

using std::chrono::milliseconds;
using stream::Severity;

constexpr auto kFirstRetry = milliseconds(200);
constexpr auto kLongestRetry = milliseconds(5000);
constexpr auto kSayAgain = std::chrono::seconds(30);
constexpr auto kFiniteGivesUp = std::chrono::seconds(15);

}  // namespace

VisibleRetry::VisibleRetry(const StageContext& context, FrameId frame)
    : context_(context), frame_(std::move(frame)), next_wait_(kFirstRetry) {}

bool VisibleRetry::wait(const Error& why, const std::function<bool()>& over) {
  const auto stage = "stage " + context_.config.stage.name;
  const auto now = Clock::now();
  const bool give_up = context_.config.finite && now - began_ > kFiniteGivesUp;
  if (now - said_ > kSayAgain) {
    context_.notify(Severity::error, "stage_blocked",
                    stage + " waits with frame " + to_string(frame_) + ": " + why.message, give_up);
    said_ = now;
  } else if (give_up) {
    context_.notify(Severity::error, "stage_blocked",
                    stage + " could not go on for " + format_duration(kFiniteGivesUp) + ": " + why.message, true);
  }
  const auto until = Clock::now() + next_wait_;
  next_wait_ = std::min<milliseconds>(next_wait_ * 2, kLongestRetry);
  while (!over() && Clock::now() < until) std::this_thread::sleep_for(milliseconds(20));
  return !over();
}

void VisibleRetry::succeeded() const {
  if (said_ != Clock::time_point{})
    context_.notify(Severity::info, "stage_unblocked", "stage " + context_.config.stage.name + " goes on", false);
}

}  // namespace ride::worker
