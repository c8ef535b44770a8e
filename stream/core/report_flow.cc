#include "stream/core/report_flow.h"

#include <algorithm>
#include <utility>

namespace ride::stream {

namespace {

// A release names no epoch: late, it might concern another one. Its time-out makes up for one that is lost. All else
// may come twice rather than not at all; of a fatal notice, a job would hang that has to fail.
bool may_be_repeated(const ReportBody& report) { return !std::holds_alternative<Released>(report); }

}  // namespace

void ReportFlow::post(ReportBody report) {
  if (posted_.size() >= kMostPosted) {
    posted_.pop_front();
    repeated_ -= repeated_ > 0 ? 1 : 0;
  }
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
  sent_repeated_ = std::exchange(repeated_, 0);
  sent_.beats = !leaving_ && (now >= beat_at_ || beat_now_);
  if (sent_.beats) {
    beat_now_ = false;
    const bool in_time = now >= beat_at_ && now < beat_at_ + interval_;  // else the schedule begins anew
    beat_at_ = (in_time ? beat_at_ : now) + interval_;
  }
  sent_at_ = now;
  incomplete_ = false;
  step_ = Step::sent;
  return sent_;
}

void ReportFlow::wrote(const Result<void>& result) {
  if (step_ != Step::sent) return;
  if (result.ok()) return arrived();
  if (!result.error().retriable) return broke(result.error());
  incomplete_ = result.error().code == ErrorCode::resource_exhausted;
  step_ = Step::settle;
}

void ReportFlow::settled(const Result<void>& result) {
  if (step_ != Step::settle) return;
  if (result.ok()) return arrived();
  if (!result.error().retriable) broke(result.error());
}

void ReportFlow::writer_made() {
  if (step_ == Step::broken) step_ = Step::at_rest;
}

void ReportFlow::arrived() {
  if (incomplete_) {
    put_back(0);
  } else if (sent_.beats) {
    acknowledged_at_ = sent_at_;
  }
  sent_ = {};
  step_ = Step::at_rest;
}

// What was posted may have arrived or not: it is sent again. Once: it may be why the writer broke.
void ReportFlow::broke(const Error& why) {
  why_broken_ = why;
  put_back(sent_repeated_);
  sent_ = {};
  step_ = Step::broken;
}

void ReportFlow::put_back(std::size_t from) {
  const auto begin = sent_.posted.begin() + static_cast<std::ptrdiff_t>(from);
  const auto end = std::stable_partition(begin, sent_.posted.end(), may_be_repeated);
  repeated_ = static_cast<std::size_t>(end - begin);
  posted_.insert(posted_.begin(), std::make_move_iterator(begin), std::make_move_iterator(end));
  for (; posted_.size() > kMostPosted; repeated_ -= repeated_ > 0 ? 1 : 0) posted_.pop_front();
}

std::chrono::milliseconds ReportFlow::since_acknowledged(Moment now) const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(now - acknowledged_at_);
}

}  // namespace ride::stream
