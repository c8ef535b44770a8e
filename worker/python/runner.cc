#include "worker/python/runner.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/cause.h"
#include "common/log.h"
#include "common/text.h"
#include "common/units.h"
#include "process/proc.h"
#include "worker/python/interpreter.h"

namespace ride::python {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr auto kTick = milliseconds(100);
constexpr auto kCloseTime = milliseconds(2000);
constexpr int kMostEmitted = 1024;             // pictures of one frame
constexpr int kOpenKills = 3;                  // somebody kills it while it is opened
constexpr std::int64_t kKeptInput = 64 << 20;  // a larger input memory is given back when frames are much smaller
constexpr std::int64_t kLeastSlot = 64 << 10;

const char* depth_text(int depth) { return depth == CV_8U ? "8U" : depth == CV_16U ? "16U" : "32F"; }

// start(): somebody has ended the child while it was opened.
bool was_killed(const Error& error) { return error.code == ErrorCode::unavailable; }

// Foreign attributes may hold any bytes.
std::string dumped(const json& message) { return message.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

// One call of process() or finish(), and what came of it so far.
struct Runner::Asked {
  const Frame* frame = nullptr;  // null: finish()
  tasks::Emitter& out;
  std::vector<std::pair<std::string, Frame>> emitted = {};  // by port; given on when the call has succeeded
  std::int64_t bytes = 0;
  std::optional<std::string> wrong = {};  // what was passed on and cannot be
};

Runner::~Runner() = default;

std::optional<pid_t> Runner::child() const { return child_ ? std::optional(child_->pid()) : std::nullopt; }

Result<void> Runner::open() {
  for (int kills = 1;; ++kills) {
    auto opened = start(nullptr);
    if (opened.ok() || !was_killed(opened.error()) || kills >= kOpenKills) return opened;
  }
}

// `out`: of the frame that waits meanwhile; null: none does.
Result<void> Runner::start(tasks::Emitter* out) {
  forget_child();
  RIDE_ASSIGN(auto interpreter, find_interpreter(plan_.interpreter));
  RIDE_ASSIGN(child_, Child::start({.interpreter = std::move(interpreter),
                                    .threads = plan_.threads,
                                    .log_name = fmt::format("stage {}: {}", plan_.stage, plan_.name)}));
  auto ready = say({{"t", "open"},
                    {"file", plan_.file.string()},
                    {"name", plan_.name},
                    {"class", plan_.class_name},
                    {"values", plan_.values},
                    {"ports", plan_.ports},
                    {"memory", plan_.memory}});
  // One that has ended before it was told anything says more by how.
  if (ready.ok() || ready.error().code == ErrorCode::unavailable) ready = await_ready(out);
  if (!ready.ok()) forget_child();
  return ready;
}

Result<void> Runner::await_ready(tasks::Emitter* out) {
  const auto until = steady_clock::now() + plan_.open_timeout;
  while (steady_clock::now() < until) {
    const auto seen = child_->wait(kTick);
    if (out != nullptr) out->progress();
    if (seen == Child::Seen::nothing) continue;
    if (seen == Child::Seen::message) {
      auto reply = parse_reply(child_->message());
      if (reply.ok() && std::holds_alternative<Ready>(*reply)) return {};
      if (reply.ok())
        if (const auto* failed = std::get_if<Failed>(&*reply)) return invalid_argument(one_line(failed->text));
      return corrupt(fmt::format("{} spoke with the worker itself while it was opened", plan_.name));
    }
    const auto answer = ended();
    return Error{answer.attempt == Attempt::killed ? ErrorCode::unavailable : ErrorCode::invalid_argument,
                 fmt::format("{}: {} while it was opened; 'ride logs' has what it printed", plan_.name, answer.what),
                 answer.attempt == Attempt::killed};
  }
  return Error{ErrorCode::timeout, fmt::format("{} was not open after {}: its open(), or an import, hangs", plan_.name,
                                               format_duration(plan_.open_timeout))};
}

Result<void> Runner::process(const Frame& frame, tasks::Emitter& out) {
  last_ = Frame{.id = frame.id, .from = frame.from, .captured_at = frame.captured_at, .attributes = {}};
  last_->passed_on = frame.passed_on;
  return work(frame, out);
}

// Once: a process that is started anew has seen no frame, and what it would tell of them were wrong.
Result<void> Runner::finish(tasks::Emitter& out) {
  if (!child_ || child_->has_ended()) {
    if (last_)
      return Error{ErrorCode::internal,
                   plan_.name + ": the Python process that had seen the frames ended before finish()"};
    RIDE_TRY(start(&out));
  }
  Asked asked{.frame = nullptr, .out = out};
  const auto answer = ask(asked);
  if (answer.refused) return *answer.refused;
  if (answer.attempt == Attempt::done) return deliver(asked);
  return Error{answer.attempt == Attempt::raised ? ErrorCode::invalid_argument : ErrorCode::internal,
               fmt::format("{}: finish(): {}", plan_.name, answer.what)};
}

Result<void> Runner::deliver(Asked& asked) {
  for (auto& [port, picture] : asked.emitted)
    port.empty() ? asked.out.emit(std::move(picture)) : asked.out.emit(port, std::move(picture));
  return {};
}

// A child that cannot be opened again (what it needs is away) makes no frame dead: the partition waits, and says why.
std::optional<Runner::Answer> Runner::start_again(tasks::Emitter& out) {
  auto started = start(&out);
  if (started.ok()) return std::nullopt;
  if (was_killed(started.error())) return Answer{Attempt::killed, started.error().message, {}};
  return Answer{.refused =
                    Error{started.error().code, "Python cannot be started again: " + started.error().message, true}};
}

Result<void> Runner::work(const Frame& frame, tasks::Emitter& out) {
  Tries tries;
  for (;;) {
    Asked asked{.frame = &frame, .out = out};
    std::optional<Answer> failed;
    if (!child_ || child_->has_ended()) {
      if (child_)
        log_warning("stage {}: {}: {} between frames; it is started again", plan_.stage, plan_.name, ended().what);
      failed = start_again(out);
    }
    const auto answer = failed ? std::move(*failed) : ask(asked);
    if (answer.refused) return *answer.refused;
    switch (next_step(tries, answer.attempt)) {
      case Next::deliver:
        return deliver(asked);
      case Next::dead:
        if (answer.attempt == Attempt::raised) return invalid_argument(answer.what);
        return Error{ErrorCode::internal, fmt::format("{}: {}; it was tried {} times", plan_.name, answer.what,
                                                      tries.strikes + tries.kills)};
      case Next::again:
        log_warning("stage {}: {}: {}; it is started again and gets the frame once more", plan_.stage, plan_.name,
                    answer.what);
        break;
    }
  }
}

// Whatever ends the talk before its time leaves a child that is in the middle of it: it is not asked again. One that
// was told nothing, since the frame cannot be told, goes on.
Runner::Answer Runner::ask(Asked& asked) {
  try {
    auto answer = converse(asked);
    if (answer.attempt != Attempt::done && answer.attempt != Attempt::raised) forget_child();
    return answer;
  } catch (const std::exception& failure) {
    forget_child();
    return {.refused = Error{ErrorCode::resource_exhausted, fmt::format("{}: {}", plan_.name, cause_of(failure))}};
  }
}

Runner::Answer Runner::converse(Asked& asked) {
  json request{{"t", "finish"}};
  int descriptor = -1;
  if (asked.frame != nullptr)
    if (auto given = hand_over(*asked.frame, request, descriptor); !given.ok()) return {.refused = given.error()};
  if (auto sent = say(request, descriptor); !sent.ok()) {
    if (sent.error().code != ErrorCode::unavailable) return {.refused = sent.error()};
    return ended();
  }
  input_is_known_ = input_is_known_ || descriptor >= 0;
  steady_clock::duration taken{0};
  auto before = steady_clock::now();
  while (taken < plan_.timeout) {
    const auto seen = child_->wait(std::min(kTick, plan_.timeout));
    asked.out.progress();
    const auto now = steady_clock::now();
    // While this process was stopped, nobody waited.
    taken += std::min<steady_clock::duration>(now - before, 5 * kTick);
    before = now;
    if (seen == Child::Seen::ended) return ended();
    if (seen == Child::Seen::nothing) {
      if (uses_too_much()) return stopped(Attempt::too_large, "it used more memory than `memory` allows");
      continue;
    }
    if (auto answer = take_all(asked, child_->message())) return std::move(*answer);
  }
  return stopped(Attempt::timed_out, fmt::format("it took longer than `timeout` ({})", format_duration(plan_.timeout)));
}

Result<void> Runner::hand_over(const Frame& frame, json& request, int& descriptor) {
  const cv::Mat& image = frame.image;
  const auto shape = picture_shape(image.rows, image.cols, image.channels(), depth_text(image.depth()));
  if (image.empty() || image.dims != 2 || !shape.ok() || shape->type != image.type())
    return Error{ErrorCode::unsupported,
                 "Python takes pictures of 8U, 16U or 32F with 1 to 4 channels, of at most 4 GiB"};
  const bool fits = input_ && input_->bytes() >= shape->bytes &&
                    (input_->bytes() <= kKeptInput || input_->bytes() / 4 <= shape->bytes);
  if (!fits) {
    input_.reset();
    input_is_known_ = false;
    RIDE_ASSIGN(input_, SharedMemory::make(std::max(shape->bytes, kLeastSlot), SharedMemory::Writer::us));
    ++input_number_;
  }
  image.copyTo(cv::Mat(image.rows, image.cols, image.type(), input_->data()));
  if (!input_is_known_) descriptor = input_->descriptor();
  request = {{"t", "frame"},
             {"input", input_number_},
             {"capacity", input_->bytes()},
             {"rows", image.rows},
             {"cols", image.cols},
             {"channels", image.channels()},
             {"depth", depth_text(image.depth())},
             {"id", to_string(frame.id)},
             {"source", frame.id.source},
             {"session", frame.id.session.value},
             {"number", frame.id.number},
             {"from", frame.from},
             {"captured_at", seconds_between(SystemTime{}, frame.captured_at)},
             {"attributes", frame.attributes}};
  return {};
}

// A line each; what ends the call is the last.
std::optional<Runner::Answer> Runner::take_all(Asked& asked, std::string_view lines) {
  while (!lines.empty()) {
    const auto end = std::min(lines.find('\n'), lines.size());
    const auto reply = parse_reply(lines.substr(0, end));
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (!reply.ok()) return stopped(Attempt::broken, "it spoke with the worker itself: " + reply.error().message);
    if (auto answer = take(asked, *reply)) return answer;
  }
  return std::nullopt;
}

// An answer: the call is over.
std::optional<Runner::Answer> Runner::take(Asked& asked, const Reply& reply) {
  if (const auto* finished = std::get_if<Finished>(&reply)) {
    // What its arrays look at stays as it is, or the memory did not reach it: the next frame gets other memory.
    if (finished->kept) input_.reset(), input_is_known_ = false;
    drop(finished->dropped);
    if (finished->raised) return Answer{Attempt::raised, one_line(*finished->raised), {}};
    if (asked.wrong) return Answer{Attempt::raised, plan_.name + ": emit(): " + *asked.wrong, {}};
    return Answer{};
  }
  Result<void> said;
  if (const auto* wanted = std::get_if<SlotWanted>(&reply)) {
    said = give_slot(*wanted);
    if (!said.ok() && said.error().code == ErrorCode::unavailable) return ended();
    if (!said.ok() && said.error().retriable) {  // the machine has no memory now: the frame is not to blame
      forget_child();
      return Answer{.refused = said.error()};
    }
  } else if (const auto* emitted = std::get_if<Emitted>(&reply)) {
    said = take_picture(asked, *emitted);
    if (emitted->slot == kPassedOn) {  // it does not wait for an answer
      if (!said.ok()) asked.wrong = said.error().message;
      return std::nullopt;
    }
    if (said.ok()) said = say({{"t", "taken"}});
    if (!said.ok() && said.error().code == ErrorCode::unavailable) return ended();
  } else {
    return stopped(Attempt::broken, "it answers what was not asked");
  }
  if (!said.ok() && !say({{"t", "refused"}, {"reason", said.error().message}}).ok()) return ended();
  return std::nullopt;
}

Result<void> Runner::give_slot(const SlotWanted& wanted) {
  drop(wanted.dropped);
  if (wanted.bytes > kMostPictureBytes)
    return Error{ErrorCode::resource_exhausted,
                 fmt::format("a picture of {} bytes is larger than 4 GiB", wanted.bytes)};
  std::int64_t all = wanted.bytes;
  for (const auto& [number, memory] : slots_) all += memory.bytes();
  if (slots_.size() >= kMostSlots || all > plan_.memory)
    return Error{ErrorCode::resource_exhausted,
                 fmt::format("{} output pictures of {} bytes are kept, and one of {} is asked for: `memory` allows {} "
                             "bytes of them, and {} at a time",
                             slots_.size(), all - wanted.bytes, wanted.bytes, plan_.memory, kMostSlots)};
  RIDE_ASSIGN(auto memory, SharedMemory::make(std::max(wanted.bytes, kLeastSlot), SharedMemory::Writer::them));
  const int number = next_number_ = (next_number_ + 1) % (1 << 30);
  const auto& made = slots_.insert_or_assign(number, std::move(memory)).first->second;
  return say({{"t", "slot"}, {"id", number}, {"bytes", made.bytes()}}, made.descriptor());
}

Result<void> Runner::take_picture(Asked& asked, const Emitted& emitted) {
  if (!emitted.port.empty() && std::find(plan_.ports.begin(), plan_.ports.end(), emitted.port) == plan_.ports.end())
    return invalid_argument(
        fmt::format("there is no port '{}'; ports: {}", emitted.port, fmt::join(plan_.ports, ", ")));
  if (asked.emitted.size() >= kMostEmitted)
    return invalid_argument(fmt::format("one frame leads to more than {} pictures", kMostEmitted));
  if (asked.frame == nullptr && !last_) return invalid_argument("no frame has come before the end of the input");
  Frame frame = asked.frame != nullptr ? *asked.frame : *last_;
  if (emitted.slot == kPassedOn) {
    if (asked.frame == nullptr) return invalid_argument("there is no picture to pass on at the end of the input");
  } else {
    const auto found = slots_.find(emitted.slot);
    const auto& shape = emitted.shape;
    if (found == slots_.end() || shape.bytes > found->second.bytes() ||
        emitted.offset > found->second.bytes() - shape.bytes)
      return corrupt("the picture does not lie in the memory that was given for it");
    asked.bytes += shape.bytes;
    if (asked.bytes > kMostPictureBytes)
      return Error{ErrorCode::resource_exhausted, "the pictures that one frame leads to have more than 4 GiB"};
    cv::Mat image = asked.out.allocate(shape.rows, shape.cols, shape.type);
    // Read only: the matrix is another view of it.
    cv::Mat(shape.rows, shape.cols, shape.type, const_cast<std::uint8_t*>(found->second.data()) + emitted.offset)
        .copyTo(image);
    frame.image = std::move(image);
    frame.owner.reset();
    frame.encoded.reset();
  }
  for (const auto& [name, value] : emitted.attributes) {
    if (value)
      frame.attributes[name] = *value;
    else
      frame.attributes.erase(name);
  }
  asked.emitted.emplace_back(emitted.port, std::move(frame));
  return {};
}

void Runner::drop(const std::vector<int>& slots) {
  for (const int slot : slots) slots_.erase(slot);
}

Runner::Answer Runner::ended() {
  const auto end = child_->end();
  if (!end.by_itself)
    return {Attempt::broken, "it closed, or does not read, what it speaks with the worker through", {}};
  const auto attempt = attempt_of(end.status, child_->ran_out_of_memory());
  const char* why = attempt == Attempt::too_large ? ", as the machine had no memory left" : "";
  return {attempt, fmt::format("the Python process ended ({}{})", how_it_ended(end.status), why), {}};
}

Runner::Answer Runner::stopped(Attempt attempt, std::string what) {
  child_->end();
  return {attempt, std::move(what), {}};
}

Result<void> Runner::say(const json& message, int descriptor) { return child_->send(dumped(message), descriptor); }

// Private memory is limited in the child; shared memory that it makes is counted here.
bool Runner::uses_too_much() const {
  std::int64_t allowed = 2 * plan_.memory + (input_ ? input_->bytes() : 0);
  for (const auto& [number, memory] : slots_) allowed += memory.bytes();
  return process::memory_of(child_->pid()).resident > allowed;
}

void Runner::forget_child() {
  child_.reset();
  slots_.clear();
  input_is_known_ = false;
}

void Runner::close() {
  if (child_ && !child_->has_ended() && say({{"t", "close"}}).ok()) {
    const auto until = steady_clock::now() + kCloseTime;
    while (steady_clock::now() < until) {
      const auto seen = child_->wait(kTick);
      if (seen == Child::Seen::nothing) continue;
      break;  // it is closed, or has ended, or says something else
    }
  }
  forget_child();
  input_.reset();
}

}  // namespace ride::python
