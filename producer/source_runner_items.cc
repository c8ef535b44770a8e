// The way of one item through a SourceRunner: pulled, paced, sent or left out, acknowledged; and the end. What keeps
// the runner alive around it stands in source_runner.cc.
#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/environment.h"
#include "common/log.h"
#include "common/redact.h"
#include "producer/source_runner.h"

namespace ride::producer {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLiveRetry(300);            // frames again within 2 s of a camera's return
constexpr milliseconds kRetry(1000);               // of everything else that may pass by itself
constexpr milliseconds kLiveRetryRefused(10'000);  // a camera whose pictures are refused may be set up anew
constexpr std::int64_t kBrokenNotices = 20;        // reported one by one; the rest is counted

}  // namespace

void SourceRunner::pull() {
  const bool device = live();
  if (pending_ && (!device || !spec_.drop_when_late)) return;
  auto pulled = next_of_source(pending_ || !waits_ ? milliseconds(0) : kTurn);
  if (!pulled) return on_source_error(pulled.error());
  if (auto* frame = std::get_if<CapturedFrame>(&*pulled)) return on_frame(std::move(*frame));
  if (auto* item = std::get_if<RejectedItem>(&*pulled)) rejected_ = std::move(*item);
  if (std::holds_alternative<SourceEnded>(*pulled)) begin_end();
}

std::optional<WorkBudget::Lease> SourceRunner::enter_film() {
  if (!kind_.indivisible) return std::nullopt;
  return watch_->enter(PartitionId{0}, Offset{next_number_},
                       fmt::format("film {}, frame {}", redact(spec_.uri), next_number_));
}

Result<void> SourceRunner::open_source() {
  if (const auto why = kind_.indivisible ? watch_->any_quarantined() : std::nullopt)
    return Error{ErrorCode::corrupt,
                 fmt::format("{} '{}': {}; it is not read any more", spec_.kind, redact(spec_.uri), *why), false};
  const auto lease = enter_film();
  return source_->open(next_number_);
}

Result<Pulled> SourceRunner::next_of_source(milliseconds timeout) {
  const auto lease = enter_film();
  return source_->next(timeout);
}

void SourceRunner::on_frame(CapturedFrame frame) {
  if (!live()) {
    next_number_ = frame.number + 1;
    stamped_ = false;
    pending_ = std::move(frame);
    return;
  }
  if (const auto gap = gaps_.frame(frame.grabbed_at)) {
    const auto length = std::chrono::duration_cast<milliseconds>(*gap);
    const std::string text = fmt::format("source {} is back after a gap of {}", spec_.name, format_duration(length));
    services_.notify(stream::Severity::warning, "camera_gap", text, false);
  }
  const bool news = !connected_;
  if (news) flowed_at_ = now();
  connected_ = true;
  reported_lost_ = false;
  error_.clear();
  if (pending_) ++dropped_;  // the writer is behind: the older one gives way
  pending_ = std::move(frame);
  stamped_ = true;
  if (news) {
    publish();
    services_.changed();
  }
}

// Broken files, refused pictures: counted once for ever, reported, and a record in their place.
void SourceRunner::on_rejected() {
  auto noted = manifest_->reject(rejected_->number, rejected_->cause);
  if (!noted) {  // the log is away: the item waits
    log_warning("source {}: {}", spec_.name, noted.error().message);
    return serve(kTurn);
  }
  if (*noted) {
    const std::string text =
        fmt::format("source {}: {} {}; it is left out", spec_.name, rejected_->name, rejected_->cause);
    if (++broken_notices_ <= kBrokenNotices) {
      services_.notify(stream::Severity::warning, "broken_picture", text, false);
    } else if (broken_notices_ == kBrokenNotices + 1) {
      services_.notify(
          stream::Severity::warning, "broken_picture",
          fmt::format("source {}: more pictures are broken; they are counted, and their records in the topic say why",
                      spec_.name),
          false);
    }
  }
  out_->drop(rejected_->number, services_.clock.wall(), "broken_picture: " + rejected_->name + " " + rejected_->cause);
  next_number_ = std::max(next_number_, rejected_->number + 1);
  rejected_.reset();
}

void SourceRunner::on_source_error(const Error& error) {
  const bool device = live();
  const bool news = error_ != error.message || connected_;
  source_->close();
  open_ = connected_ = false;
  error_ = error.message;
  retry_at_ = now() + (device ? (error.retriable ? kLiveRetry : kLiveRetryRefused) : kRetry);
  if (device) gaps_.lost();
  if (!device && error.retriable) log_warning("source {}: {}; tried again", spec_.name, error_);
  if (device && !reported_lost_) {
    reported_lost_ = true;  // once an outage, not at every attempt
    services_.notify(stream::Severity::warning, "camera_lost", fmt::format("source {}: {}", spec_.name, error_), false);
  }
  if (!device && !error.retriable) {
    phase_ = Phase::failed;
    services_.notify(stream::Severity::error, "source_failed", fmt::format("source {}: {}", spec_.name, error_),
                     spec_.finite);
  }
  if (news) {
    publish();
    services_.changed();
  }
}

void SourceRunner::send() {
  const auto now = this->now();
  if (live()) return send_now(now);
  switch (pacer_->decide(now)) {
    case Pacer::Action::wait: {
      const auto rest = *pacer_->due() - now;
      const auto whole = std::chrono::floor<milliseconds>(rest);
      serve(std::min(whole, kTurn));
      if (whole < milliseconds(1)) sleep_until(*pacer_->due());
      return;
    }
    case Pacer::Action::pass_over:
      return pass_over("when_late: its successor was due before it could be written");
    case Pacer::Action::send:
      return send_now(now);
  }
}

void SourceRunner::send_now(Moment now) {
  if (!stamped_) {
    pending_->captured_at = services_.clock.wall();
    pending_->grabbed_at = now;
    stamped_ = true;
  }
  if (spec_.max_age_ms > 0 && now - pending_->grabbed_at > milliseconds(spec_.max_age_ms))
    return pass_over("max_age: it waited too long to be written");

  const bool device = live();
  auto sent = out_->frame(device ? next_number_ : pending_->number, *pending_);
  if (!sent) {
    if (out_->fatal()) return;
    if (!device) {
      rejected_ = RejectedItem{pending_->number, pending_->name, sent.error().message};
    } else {
      ++unusable_;
      if (error_ != sent.error().message) {
        error_ = sent.error().message;
        services_.notify(stream::Severity::error, "broken_picture", fmt::format("source {}: {}", spec_.name, error_),
                         false);
      }
    }
    pending_.reset();
    return;
  }
  if (*sent == Outgoing::Sent::full) return serve(milliseconds(5));
  last_frame_ = pending_->captured_at;
  if (device) ++next_number_;
  if (pacer_) pacer_->advance(now);
  pending_.reset();
}

void SourceRunner::pass_over(const std::string& reason) {
  ++dropped_;
  if (!live()) {
    out_->drop(pending_->number, stamped_ ? pending_->captured_at : services_.clock.wall(), reason);
    pacer_->advance(now());
  }
  pending_.reset();
}

void SourceRunner::on_acknowledged(std::int64_t number, bool picture) {
  if (source_) source_->acknowledged(number);
  if (!picture) return;
  ++acked_;
  flowed_at_ = now();
  rate_.count(flowed_at_);
}

// The source is over, or the job drains: nothing is sent behind what was pulled.
void SourceRunner::begin_end() {
  if (source_ && !live() && pending_) {  // drained with an item at hand
    next_number_ = pending_->number;
    pending_.reset();
  }
  if (rejected_) {  // no record stands in its place yet
    next_number_ = std::min(next_number_, rejected_->number);
    rejected_.reset();
  }
  if (source_ && mode_.load() != SourceMode::drain && source_->state().total >= 0) {
    next_number_ = std::min(next_number_, source_->state().total);  // a restart may have looked behind the end
  }
  close_source();
  if (continues() && !counts_known_) note_rejected_before();  // it was never opened
  out_->end(next_number_, services_.clock.wall());
  phase_ = Phase::ending;
}

void SourceRunner::finish_end() {
  if (out_->outstanding() > 0) return serve(kTurn);
  phase_ = Phase::ended;
  log_info("source {}: ended behind number {}", spec_.name, next_number_ - 1);
  publish();
  services_.changed();
}

}  // namespace ride::producer
