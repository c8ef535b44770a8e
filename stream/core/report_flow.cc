#include "stream/core/report_flow.h"

#include <algorithm>
#include <utility>

namespace ride::stream {

void ReportFlow::post(ReportBody report) {
  if (posted_.size() >= kMostPosted) posted_.pop_front();
  posted_.push_back(std::move(report));
}

bool ReportFlow::is_due(Moment now) const {
  if (step_ != Step::at_rest) return false;
  return !posted_.empty() || (!leaving_ && (beat_now_ || now >= beat_at_));
}

std::optional<ReportFlow::Batch> ReportFlow::take(Moment now) {
  if (!is_due(now)) return std::nullopt;
  sent_ = {};
  sent_.posted.assign(posted_.begin(), posted_.end());
  posted_.clear();
  sent_.beats = !leaving_ && (now >= beat_at_ || beat_now_);
  if (sent_.beats) {
    beat_now_ = false;
    beat_at_ = std::max(beat_at_ + interval_, now);
  }
  sent_at_ = now;
  step_ = Step::sent;
  return sent_;
}

void ReportFlow::wrote(const Result<void>& result) {
  if (result.ok()) return arrived();
  if (!result.error().retriable) return broke(result.error());
  step_ = Step::settle;
}

void ReportFlow::settled(const Result<void>& result) {
  if (result.ok()) return arrived();
  if (!result.error().retriable) broke(result.error());
}

void ReportFlow::arrived() {
  if (sent_.beats) acknowledged_at_ = sent_at_;
  sent_ = {};
  again_ = false;
  step_ = Step::at_rest;
}

// What was posted may have arrived or not: it is sent again. A repetition decides nothing new; a notice is shown twice.
// Once: it may be why the writer broke.
void ReportFlow::broke(const Error& why) {
  why_broken_ = why;
  if (!std::exchange(again_, !again_)) {
    posted_.insert(posted_.begin(), std::make_move_iterator(sent_.posted.begin()),
                   std::make_move_iterator(sent_.posted.end()));
    while (posted_.size() > kMostPosted) posted_.pop_front();
  }
  sent_ = {};
  step_ = Step::broken;
}

std::chrono::milliseconds ReportFlow::since_acknowledged(Moment now) const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(now - acknowledged_at_);
}

}  // namespace ride::stream
