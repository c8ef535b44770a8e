#include "producer/source_runner.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <exception>

#include "common/log.h"
#include "producer/make_source.h"
#include "producer/resume_point.h"
#include "producer/topic_book.h"

namespace ride::producer {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTurn(20);                  // how long a turn may wait: commands are seen within it
constexpr milliseconds kLiveRetry(300);            // frames again within 2 s of a camera's return
constexpr milliseconds kRetry(1000);               // of everything else that may pass by itself
constexpr milliseconds kLiveRetryRefused(10'000);  // a camera whose pictures are refused may be set up anew
constexpr std::int64_t kMaxOutstanding = 5000;     // sets without an acknowledgement, however small
constexpr std::int64_t kBrokenNotices = 20;        // told one by one; the rest is counted

}  // namespace

SourceRunner::SourceRunner(Assignment assignment, const std::string& source, RunnerServices services)
    : assignment_(std::move(assignment)),
      spec_(*assignment_.job->source(source)),
      services_(std::move(services)),
      wish_(assignment_.wish) {
  progress_.job = assignment_.job->job;
  progress_.run = assignment_.job->run;
  progress_.source = spec_.name;
  progress_.session = assignment_.session;
  thread_ = std::thread([this] { run(); });
}

SourceRunner::~SourceRunner() {
  stop();
  thread_.join();
}

void SourceRunner::wish(Wish wish) { wish_ = wish; }

void SourceRunner::stop() { stop_ = true; }

stream::SourceProgress SourceRunner::progress() const {
  const std::lock_guard lock(mutex_);
  return progress_;
}

std::optional<Error> SourceRunner::fatal() const {
  const std::lock_guard lock(mutex_);
  return fatal_;
}

void SourceRunner::run() {
  if (prepare()) {
    while (!stopping() && !out_->fatal()) {
      step();
      if (Clock::now() - published_at_ >= kTurn) publish();
    }
  }
  close_source();
  const auto deadline = Clock::now() + services_.finish_limit;
  while (out_ && out_->outstanding() > 0 && !out_->fatal() && Clock::now() < deadline) out_->serve(kTurn);
  source_.reset();
  publish();
  finished_ = true;
}

// Until everything that sending needs is there; false when stopped before.
bool SourceRunner::prepare() {
  while (!stopping()) {
    auto prepared = prepare_once();
    if (prepared) return true;
    error_ = prepared.error().message;
    if (!prepared.error().retriable) {
      services_.notify(stream::Severity::error, "source_failed", fmt::format("source {}: {}", spec_.name, error_),
                       spec_.finite);
      phase_ = Phase::failed;
      return out_ != nullptr;
    }
    publish();
    for (int i = 0; i < 15 && !stopping(); ++i) std::this_thread::sleep_for(kTurn);
  }
  return false;
}

Result<void> SourceRunner::prepare_once() {
  out_.reset();  // of an attempt before: two at once would share one account in the budget
  out_ =
      std::make_unique<Outgoing>(*assignment_.job, spec_, assignment_.session, services_.incarnation, services_.budget,
                                 [this](std::int64_t number, bool picture) { on_acknowledged(number, picture); });
  if (auto opened = out_->open(services_.log); !opened) return opened;
  if (spec_.kind == "directory") {
    book_ =
        std::make_unique<TopicBook>(services_.log, assignment_.job->manifest_topic(spec_.name), services_.incarnation);
  } else {
    book_ = std::make_unique<MemoryBook>();
  }
  auto source = make_source(*assignment_.job, spec_, services_.log, *book_, services_.environment);
  if (!source) return source.error();
  if (spec_.finite) {
    auto resume = find_resume_point(services_.log, *assignment_.job, spec_, assignment_.session);
    if (!resume) return Error{resume.error().code, resume.error().message, /*retriable=*/true};
    next_number_ = settled_before_ = resume->next;
    if (resume->ended) phase_ = Phase::ended;
    if (resume->next > 0) log_info("source {}: goes on at number {}", spec_.name, resume->next);
  }
  source_ = std::move(*source);
  error_.clear();
  return {};
}

void SourceRunner::step() {
  // A camera that never opened sent nothing, but those behind it wait for its end.
  if (phase_ == Phase::failed && wish_.load() == Wish::drain && !spec_.finite) return begin_end();
  if (phase_ == Phase::ended || phase_ == Phase::failed) return rest(kTurn);
  if (phase_ == Phase::ending) return finish_end();
  switch (wish_.load()) {
    case Wish::pause:
      close_source();
      return rest(kTurn);
    case Wish::drain:
      return begin_end();
    case Wish::run:
      break;
  }
  if (!ensure_open()) return;
  if (out_->outstanding() >= kMaxOutstanding) return out_->serve(kTurn);
  if (rejected_) return on_rejected();
  pull();
  if (rejected_) return on_rejected();
  if (pending_) return send();
  out_->serve(milliseconds(0));
}

void SourceRunner::rest(milliseconds time) {
  if (out_->outstanding() > 0) return out_->serve(std::min(time, kTurn));
  out_->serve(milliseconds(0));
  std::this_thread::sleep_for(std::min(time, kTurn));
}

bool SourceRunner::ensure_open() {
  if (open_) return true;
  if (const auto now = Clock::now(); now < retry_at_) {
    rest(std::chrono::ceil<milliseconds>(retry_at_ - now));
    return false;
  }
  // An item that was pulled and not sent stays at hand: the source goes on behind it.
  if (auto opened = source_->open(next_number_); !opened) {
    on_source_error(opened.error());
    return false;
  }
  open_ = true;
  if (live()) return true;
  // What an earlier owner rejected is known now that the book was read.
  const auto& known = book_->rejected();
  rejected_before_ = std::distance(known.begin(), known.lower_bound(settled_before_));
  connected_ = true;
  error_.clear();
  const double own = source_->state().own_fps;
  const double fps = spec_.unpaced ? 0 : spec_.fps > 0 ? spec_.fps : own;
  if (!pacer_) pacer_.emplace(fps, spec_.drop_when_late ? WhenLate::drop : WhenLate::keep);
  pacer_->restart();
  return true;
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

void SourceRunner::pull() {
  const bool device = live();
  if (pending_ && (!device || !spec_.drop_when_late)) return;
  auto pulled = source_->next(pending_ ? milliseconds(0) : kTurn);
  if (!pulled) return on_source_error(pulled.error());
  if (auto* frame = std::get_if<CapturedFrame>(&*pulled)) return on_frame(std::move(*frame));
  if (auto* item = std::get_if<RejectedItem>(&*pulled)) rejected_ = std::move(*item);
  if (std::holds_alternative<SourceEnded>(*pulled)) begin_end();
}

void SourceRunner::on_frame(CapturedFrame frame) {
  if (!live()) {
    next_number_ = frame.number + 1;
    stamped_ = false;
    pending_ = std::move(frame);
    return;
  }
  if (const auto gap = gaps_.frame(frame.captured_at)) {
    const auto length = std::chrono::duration_cast<milliseconds>(*gap);
    const std::string text = fmt::format("source {} is back after a gap of {}", spec_.name, format_duration(length));
    services_.notify(stream::Severity::warning, "camera_gap", text, false);
  }
  const bool news = !connected_;
  connected_ = true;
  told_lost_ = false;
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
  auto noted = book_->reject(rejected_->number, rejected_->cause);
  if (!noted) {  // the log is away: the item waits
    log_warning("source {}: {}", spec_.name, noted.error().message);
    out_->serve(kTurn);
    return;
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
  out_->drop(rejected_->number, system_now(), "broken_picture: " + rejected_->cause);
  next_number_ = std::max(next_number_, rejected_->number + 1);
  rejected_.reset();
}

void SourceRunner::on_source_error(const Error& error) {
  const bool device = live();
  const bool news = error_ != error.message || connected_;
  source_->close();
  open_ = connected_ = false;
  error_ = error.message;
  retry_at_ = Clock::now() + (device ? (error.retriable ? kLiveRetry : kLiveRetryRefused) : kRetry);
  if (device) gaps_.lost();
  if (!device && error.retriable) log_warning("source {}: {}; tried again", spec_.name, error_);
  if (device && !told_lost_) {
    told_lost_ = true;  // once an outage, not at every attempt
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
  const auto now = Clock::now();
  if (live()) return send_now(now);
  switch (pacer_->decide(now)) {
    case Pacer::Verdict::wait: {
      const auto rest = *pacer_->due() - now;
      const auto whole = std::chrono::floor<milliseconds>(rest);
      out_->serve(std::min(whole, kTurn));
      if (whole < milliseconds(1)) std::this_thread::sleep_until(*pacer_->due());
      return;
    }
    case Pacer::Verdict::pass_over:
      return pass_over("when_late: its successor was due before it could be written");
    case Pacer::Verdict::send:
      return send_now(now);
  }
}

void SourceRunner::send_now(Clock::time_point now) {
  if (!stamped_) {
    pending_->captured_at = system_now();
    stamped_ = true;
  }
  const auto age = std::chrono::duration_cast<milliseconds>(system_now() - pending_->captured_at);
  if (spec_.max_age_ms > 0 && age.count() > spec_.max_age_ms)
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
  if (*sent == Outgoing::Sent::full) return out_->serve(milliseconds(5));
  last_frame_ = pending_->captured_at;
  if (device) ++next_number_;
  if (pacer_) pacer_->advance(now);
  pending_.reset();
}

void SourceRunner::pass_over(const std::string& reason) {
  ++dropped_;
  if (!live()) {
    out_->drop(pending_->number, stamped_ ? pending_->captured_at : system_now(), reason);
    pacer_->advance(Clock::now());
  }
  pending_.reset();
}

void SourceRunner::on_acknowledged(std::int64_t number, bool picture) {
  if (source_) source_->acknowledged(number);
  if (!picture) return;
  ++acked_;
  rate_.count(Clock::now());
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
  if (source_ && wish_.load() != Wish::drain && source_->state().total >= 0) {
    next_number_ = std::min(next_number_, source_->state().total);  // a restart may have looked behind the end
  }
  close_source();
  out_->end(next_number_, system_now());
  phase_ = Phase::ending;
}

void SourceRunner::finish_end() {
  if (out_->outstanding() > 0) return out_->serve(kTurn);
  phase_ = Phase::ended;
  log_info("source {}: ended behind number {}", spec_.name, next_number_ - 1);
  publish();
  services_.changed();
}

void SourceRunner::publish() {
  const SourceState state = source_ ? source_->state() : SourceState{};
  const auto rejected = static_cast<std::int64_t>(book_ ? book_->rejected().size() : 0);
  published_at_ = Clock::now();
  const std::lock_guard lock(mutex_);
  progress_.connected = connected_;
  progress_.ended = phase_ == Phase::ended;
  progress_.frames = settled_before_ - rejected_before_ + acked_;
  if (source_) progress_.total = spec_.finite ? state.total : -1;
  progress_.dropped = dropped_ + (source_ ? state.dropped : 0);
  progress_.rejected = rejected + unusable_;
  progress_.fps = rate_.per_second(Clock::now());
  progress_.last_frame = last_frame_;
  progress_.gaps = gaps_.gaps();
  progress_.longest_gap_ms = std::chrono::duration<double, std::milli>(gaps_.longest()).count();
  progress_.error = error_;
  if (out_) fatal_ = out_->fatal();
}

}  // namespace ride::producer
