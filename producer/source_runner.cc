#include "producer/source_runner.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <exception>

#include "common/cause.h"
#include "common/guarded_thread.h"
#include "common/log.h"
#include "producer/resume_point.h"
#include "producer/topic_manifest.h"

namespace ride::producer {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kMaxOutstanding = 5000;  // sets without an acknowledgement, however small
constexpr milliseconds kPrepareAgain{300};

}  // namespace

SourceRunner::SourceRunner(Assignment assignment, const std::string& source, RunnerServices services)
    : SourceRunner(std::move(assignment), source, std::move(services), MakeSource()) {
  waits_ = true;
  thread_ = guarded_thread(
      "source " + spec_.name, [this] { run(); },
      [this](Error error) {
        const std::lock_guard lock(mutex_);
        if (!fatal_) fatal_ = std::move(error);
        finished_ = true;
      });
}

SourceRunner::SourceRunner(Assignment assignment, const std::string& source, RunnerServices services, MakeSource make)
    : assignment_(std::move(assignment)),
      spec_(*assignment_.job->source(source)),
      kind_(source_kind(spec_.kind)),
      services_(std::move(services)),
      mode_(assignment_.mode),
      make_(std::move(make)) {
  progress_.job = assignment_.job->job;
  progress_.run = assignment_.job->run;
  progress_.source = spec_.name;
  progress_.session = assignment_.session;
  continue_counts();
  if (services_.work_budget == nullptr) {
    own_work_budget_ = std::make_unique<WorkBudget>(services_.budget.limit());
    services_.work_budget = own_work_budget_.get();
  }
  watch_ = std::make_unique<ItemWatch>(*services_.work_budget, assignment_.job->job, assignment_.job->run, spec_.name,
                                       assignment_.struck);
}

SourceRunner::~SourceRunner() {
  stop();
  if (thread_.joinable()) thread_.join();
}

void SourceRunner::set_mode(SourceMode mode) { mode_ = mode; }

void SourceRunner::stop() {
  stop_ = true;
  const std::lock_guard lock(mutex_);
  if (earlier_) earlier_->stop();
}

// The first heartbeat may leave before Kafka is reached, and be the last: no count falls.
void SourceRunner::continue_counts() {
  const auto& before = assignment_.before;
  if (!continues()) progress_.earlier = before.frames + before.told;
  progress_.unwritten = before.unwritten;
  progress_.dropped = before.dropped;
  progress_.rejected = rejected_by_others();
  progress_.gaps = before.gaps;
  progress_.longest_gap_ms = before.longest_gap_ms;
}

stream::SourceProgress SourceRunner::progress() const {
  const auto now = this->now();
  const std::lock_guard lock(mutex_);
  auto progress = progress_;
  // Not as the runner saw it last: its thread may be the one that stands.
  progress.fps = seen_.rate.per_second(now);
  if (progress.connected && !progress.ended && progress.error.empty())
    progress.error = silence_text({.lasts = now - seen_.flowed_at,
                                   .between_frames = seen_.between_frames,
                                   .may_be_silent = kind_.may_be_silent,
                                   .unacknowledged = seen_.unacknowledged});
  return progress;
}

std::optional<Error> SourceRunner::fatal() const {
  const std::lock_guard lock(mutex_);
  return fatal_;
}

// No exception leaves the thread. Here, where nothing is known of where it comes from, the incarnation ends, in order.
void SourceRunner::run() {
  try {
    while (turn()) continue;
  } catch (const std::exception& failure) {
    log_error("source {}: {}", spec_.name, cause_of(failure));
    const std::lock_guard lock(mutex_);
    fatal_ = Error{ErrorCode::internal, cause_of(failure), false};
  }
  forget_earlier();
  finished_ = true;
}

bool SourceRunner::turn() {
  if (stopping() || (out_ && out_->fatal())) return finish();
  if (phase_ == Phase::preparing) {
    prepare();
    return true;
  }
  guarded_step();
  if (now() - published_at_ >= kTurn) publish();
  return true;
}

// What is in flight is waited for, so long as that is reasonable.
bool SourceRunner::finish() {
  if (!finish_by_) {
    close_source();
    finish_by_ = now() + services_.finish_limit;
  }
  if (out_ && out_->outstanding() > 0 && !out_->fatal() && now() < *finish_by_) {
    serve(kTurn);
    return true;
  }
  source_.reset();
  publish();
  return false;
}

// The source is opened anew, behind what was sent.
void SourceRunner::guarded_step() {
  try {
    step();
  } catch (const std::exception& failure) {
    if (!source_) throw;
    on_source_error({ErrorCode::internal, fmt::format("unexpected: {}", cause_of(failure)), /*retriable=*/true});
  }
}

// Until everything that sending needs is there.
void SourceRunner::prepare() {
  if (const auto now = this->now(); now < retry_at_) return sleep_until(std::min(now + kTurn, retry_at_));
  const auto prepared = prepare_once();
  if (prepared.ok() || prepared.error().code == ErrorCode::cancelled) return;  // cancelled: stopped while it read
  error_ = prepared.error().message;
  if (prepared.error().retriable) {
    retry_at_ = now() + kPrepareAgain;
  } else {
    services_.notify(stream::Severity::error, "source_failed", fmt::format("source {}: {}", spec_.name, error_),
                     spec_.finite);
    phase_ = Phase::failed;
  }
  publish();
}

Result<void> SourceRunner::prepare_once() {
  out_.reset();  // of an attempt before: two at once would share one account in the budget
  out_ =
      std::make_unique<Outgoing>(*assignment_.job, spec_, assignment_.session, services_.incarnation, services_.budget,
                                 [this](std::int64_t number, bool picture) { on_acknowledged(number, picture); });
  if (auto opened = out_->open(services_.log); !opened) return opened;
  if (kind_.numbering == Numbering::by_manifest) {
    manifest_ = std::make_unique<TopicManifest>(services_.log, assignment_.job->manifest_topic(spec_.name),
                                                services_.incarnation);
  } else {
    manifest_ = std::make_unique<MemoryManifest>();
  }
  auto source = make_ ? make_(*manifest_, *watch_)
                      : make_source(*assignment_.job, spec_, services_.log, *manifest_, services_.environment, *watch_);
  if (!source) return source.error();
  bool ended = false;
  if (continues()) {
    auto resume = find_resume_point(services_.log, *assignment_.job, spec_, assignment_.session, &stop_);
    if (!resume) return Error{resume.error().code, resume.error().message, /*retriable=*/true};
    next_number_ = resume->next;
    settled_before_ = resume->next;
    if (kind_.numbering != Numbering::by_manifest) note_rejected_before();
    if (resume->ended) {
      // Nothing is opened any more, so nothing else reads what was rejected. The names are noted down already.
      const auto known = manifest_->items([] {
        return Error{ErrorCode::not_found, "the names of the items are gone"};
      });
      if (!known && known.error().retriable) return known.error();
      note_rejected_before();
      ended = true;
    }
    if (resume->next > 0) log_info("source {}: goes on at number {}", spec_.name, resume->next);
  } else if (!earlier_ && waits_) {
    look_up_earlier();
  }
  source_ = std::move(*source);
  error_.clear();
  retry_at_ = {};
  phase_ = ended ? Phase::ended : Phase::flowing;
  return {};
}

void SourceRunner::look_up_earlier() {
  auto earlier =
      std::make_unique<EarlierFrames>(services_.log, assignment_.job, spec_, assignment_.before, assignment_.session);
  const std::lock_guard lock(mutex_);
  earlier_ = std::move(earlier);
  if (stopping()) earlier_->stop();
}

// Its thread is waited for here, on the runner's: whoever destroys a finished runner does not wait for Kafka.
void SourceRunner::forget_earlier() {
  std::unique_ptr<EarlierFrames> done;  // ends behind the lock
  const std::lock_guard lock(mutex_);
  done.swap(earlier_);
}

void SourceRunner::step() {
  // A camera that never opened sent nothing, but those behind it wait for its end.
  if (phase_ == Phase::failed && mode_.load() == SourceMode::drain && !spec_.finite && out_->is_open())
    return begin_end();
  if (phase_ == Phase::ended || phase_ == Phase::failed) return rest(kTurn);
  if (phase_ == Phase::ending) return finish_end();
  switch (mode_.load()) {
    case SourceMode::pause:
      close_source();
      return rest(kTurn);
    case SourceMode::drain:
      return begin_end();
    case SourceMode::run:
      break;
  }
  if (!ensure_open()) return;
  if (out_->outstanding() >= kMaxOutstanding) return serve(kTurn);
  if (rejected_) return on_rejected();
  pull();
  if (rejected_) return on_rejected();
  if (pending_) return send();
  serve(milliseconds(0));
}

void SourceRunner::rest(milliseconds time) {
  if (out_->outstanding() > 0) return serve(std::min(time, kTurn));
  serve(milliseconds(0));
  sleep_until(now() + std::min(time, kTurn));
}

void SourceRunner::serve(milliseconds time) { out_->serve(waits_ ? time : milliseconds(0)); }

void SourceRunner::sleep_until(Moment until) {
  if (waits_) std::this_thread::sleep_until(until);
}

bool SourceRunner::ensure_open() {
  if (open_) return true;
  if (const auto now = this->now(); now < retry_at_) {
    rest(std::chrono::ceil<milliseconds>(retry_at_ - now));
    return false;
  }
  // An item that was pulled and not sent stays at hand: the source goes on behind it.
  if (auto opened = open_source(); !opened) {
    on_source_error(opened.error());
    return false;
  }
  open_ = true;
  if (live()) return true;
  note_rejected_before();
  connected_ = true;
  flowed_at_ = now();
  error_.clear();
  const double own = source_->state().own_fps;
  const double fps = spec_.unpaced ? 0 : spec_.fps > 0 ? spec_.fps : own;
  if (fps > 0) between_frames_ = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1 / fps));
  if (!pacer_) pacer_.emplace(fps, spec_.drop_when_late ? WhenLate::drop : WhenLate::keep);
  pacer_->restart();
  return true;
}

// What earlier owners rejected, and what is left out, is known once the manifest was read.
void SourceRunner::note_rejected_before() {
  counts_known_ = true;
  const auto& known = manifest_->rejected();
  rejected_before_ = std::distance(known.begin(), known.lower_bound(settled_before_));
  if (kind_.numbering != Numbering::by_manifest) return;
  const auto names = manifest_->items([] { return Error{ErrorCode::not_found, "no item has a name yet"}; });
  const auto before = names.ok() ? std::min<std::int64_t>(settled_before_, std::ssize(*names)) : 0;
  if (before > 0) rejected_before_ += std::count_if(names->begin(), names->begin() + before, is_done);
}

void SourceRunner::close_source() {
  if (!source_ || !open_) return;
  if (live()) {
    pending_.reset();  // old when it goes on
    gaps_.forget();
  }
  source_->close();
  open_ = connected_ = false;
}

// A manifest knows what was rejected before; of all else, earlier owners do.
std::int64_t SourceRunner::rejected_by_others() const {
  return kind_.numbering == Numbering::by_manifest ? 0 : assignment_.before.rejected;
}

void SourceRunner::publish() {
  const SourceState state = source_ ? source_->state() : SourceState{};
  const auto rejected = static_cast<std::int64_t>(manifest_ ? manifest_->rejected().size() : 0);
  published_at_ = now();
  const std::lock_guard lock(mutex_);
  progress_.connected = connected_;
  progress_.ended = phase_ == Phase::ended;
  const auto& before = assignment_.before;
  // What they left out has a number, too: an earlier owner settled it, and it is no frame.
  const auto left_out = continues() ? before.dropped + rejected_by_others() : 0;
  // Not before it is known what of these is no frame: no count falls.
  if (counts_known_ || settled_before_ == 0)
    progress_.frames = std::max<std::int64_t>(0, settled_before_ - rejected_before_ - left_out) + acked_;
  if (earlier_) {
    progress_.earlier = earlier_->frames();
    progress_.unwritten = earlier_->unwritten();
  }
  if (live()) progress_.captured = next_number_ + (pending_ ? 1 : 0);
  if (source_) progress_.total = spec_.finite && state.total >= 0 ? state.total - state.done : -1;
  progress_.dropped = before.dropped + dropped_ + (source_ ? state.dropped : 0);
  progress_.rejected = rejected_by_others() + rejected + unusable_;
  seen_ = {rate_, flowed_at_, between_frames_, out_ && out_->outstanding() > 0};
  progress_.last_frame = last_frame_;
  progress_.gaps = before.gaps + gaps_.gaps();
  progress_.longest_gap_ms =
      std::max(before.longest_gap_ms, std::chrono::duration<double, std::milli>(gaps_.longest()).count());
  progress_.error = error_;
  if (out_) fatal_ = out_->fatal();
}

}  // namespace ride::producer
