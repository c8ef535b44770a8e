#include "agent/membership.h"

#include <algorithm>
#include <variant>

#include "common/guarded_thread.h"
#include "common/json.h"
#include "common/log.h"
#include "process/proc.h"
#include "stream/core/control_limits.h"

namespace ride::agent {
namespace {

using std::chrono::milliseconds;
constexpr std::size_t kMostWaiting = 1000;  // reports kept while no master is there: the newest count
constexpr milliseconds kSampleInterval{1000}, kPatience{1000};
constexpr milliseconds kFirstWait{200}, kLongestWait{5000}, kStableAfter{10'000};  // between a loss and the next join

const stream::WorkerOut* declares_out(const stream::Decision& decision, const WorkerId& id) {
  const auto* out = std::get_if<stream::WorkerOut>(&decision.body);
  return out != nullptr && out->worker == id ? out : nullptr;
}

}  // namespace

Membership::Membership(const Options& options) : options_(options), facts_(process::read_node_facts()) {
  thread_ = std::thread([this] {
    run_guarded(
        "the membership", [this] { run(); },
        [this](Error error) {
          const std::lock_guard lock(mutex_);
          failed_ = std::move(error);
        });
    const std::lock_guard lock(mutex_);
    running_ = false;
    ended_.notify_all();
  });
}

Membership::~Membership() {
  leave("the agent ends");
  if (thread_.joinable()) thread_.join();
}

void Membership::run() {
  while (!stop_) {
    auto joined = stream::Member::join(
        {.kafka = options_.kafka,
         .prefix = options_.prefix,
         .name = options_.node.value + "-agent",
         .node = options_.node,
         .kind = stream::ProcessKind::agent},
        [this](stream::Heartbeat& beat) { fill(beat); }, stop_);
    if (!joined.ok()) {
      if (stop_) return;
      const std::lock_guard lock(mutex_);
      failed_ = joined.error();
      return;
    }
    std::shared_ptr<stream::Member> member = std::move(joined).value();
    log_info("joined as {}", member->id().value);
    send_waiting(*member);
    {
      const std::lock_guard lock(mutex_);
      member_ = member;
    }
    send_waiting(*member);  // what came in between
    const auto joined_at = std::chrono::steady_clock::now();
    if (serve(*member)) return;
    {
      const std::lock_guard lock(mutex_);
      member_.reset();
    }
    member.reset();
    wait_to_rejoin(joined_at);
  }
}

void Membership::wait_to_rejoin(std::chrono::steady_clock::time_point joined_at) {
  using std::chrono::steady_clock;
  if (steady_clock::now() - joined_at >= kStableAfter) rejoin_wait_ = milliseconds(0);
  for (const auto until = steady_clock::now() + rejoin_wait_; !stop_ && steady_clock::now() < until;)
    std::this_thread::sleep_for(milliseconds(20));
  rejoin_wait_ = std::clamp(2 * rejoin_wait_, kFirstWait, kLongestWait);
}

bool Membership::serve(stream::Member& member) {
  while (!stop_) {
    const auto decisions = member.poll_decisions(milliseconds(200));
    if (!decisions.ok()) {
      if (decisions.error().code == ErrorCode::permission) {
        const std::lock_guard lock(mutex_);
        failed_ = decisions.error();
        return true;
      }
      if (!decisions.error().retriable) {
        log_warning("decisions cannot be read ({}); joining again", decisions.error().message);
        std::this_thread::sleep_for(milliseconds(200));
        return false;
      }
      continue;
    }
    for (const auto& decision : *decisions) {
      const auto* out = declares_out(decision, member.id());
      if (out == nullptr) continue;
      if (out->refused) {
        const std::lock_guard lock(mutex_);
        failed_ = Error{ErrorCode::already_exists, out->reason};
        return true;
      }
      log_warning("the master declared this agent lost ({}); joining again; its workers and producers keep running",
                  out->reason);
      return false;
    }
  }
  return true;
}

void Membership::sign(stream::ReportBody& body, const WorkerId& id) const {
  if (auto* ended = std::get_if<stream::ChildExit>(&body)) ended->agent = id;
  if (auto* notice = std::get_if<stream::Notice>(&body)) notice->from = id;
}

void Membership::send_waiting(stream::Member& member) {
  std::deque<stream::ReportBody> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(waiting_);
  }
  for (auto& body : waiting) {
    sign(body, member.id());
    member.post(std::move(body));
  }
}

void Membership::report(stream::ReportBody body) {
  const std::lock_guard lock(mutex_);
  if (member_) {
    sign(body, member_->id());
    member_->post(std::move(body));
    return;
  }
  if (waiting_.size() >= kMostWaiting) waiting_.pop_front();
  waiting_.push_back(std::move(body));
}

void Membership::vouch(std::vector<Running> children) {
  const std::lock_guard lock(mutex_);
  children_ = std::move(children);
}

bool Membership::leave(const std::string& reason) {
  stop_ = true;
  {
    std::unique_lock lock(mutex_);
    if (!ended_.wait_for(lock, kPatience, [this] { return !running_; })) return false;
  }
  if (thread_.joinable()) thread_.join();
  std::shared_ptr<stream::Member> member;
  {
    const std::lock_guard lock(mutex_);
    member.swap(member_);
  }
  if (member) member->leave(reason);  // its heartbeat thread ends meanwhile, and fill() needs the lock
  return true;
}

std::optional<Error> Membership::failed() const {
  const std::lock_guard lock(mutex_);
  return failed_;
}

void Membership::fill(stream::Heartbeat& beat) {
  const auto now = std::chrono::steady_clock::now();
  if (now - sampled_at_ >= kSampleInterval) {
    sampled_at_ = now;
    cpu_percent_ = load_.sample();
    memory_available_ = process::available_memory();
    disk_free_ = process::free_disk(options_.log_folder);
    facts_.cameras = process::read_node_facts().cameras;  // they come and go
  }
  beat.devices = facts_.devices;
  beat.cores = facts_.cores;
  beat.memory_bytes = facts_.memory_bytes;
  beat.cpu_percent = cpu_percent_;  // of the node
  beat.labels["slots"] = std::to_string(options_.slots);
  beat.labels["producers"] = std::to_string(options_.producers);
  beat.labels["memory_available"] = std::to_string(memory_available_);
  beat.labels["disk_free"] = std::to_string(disk_free_);
  beat.labels["outputs"] =
      nlohmann::json(options_.output_folders).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::vector<Running> children;
  {
    const std::lock_guard lock(mutex_);
    children = children_;
  }
  for (auto& child : children)
    if (beat.children.size() < stream::kMostChildren && process::is_running(child.pid))
      beat.children.push_back(std::move(child.id));
  if (!facts_.cameras.empty()) beat.labels["cameras"] = fmt::format("{}", fmt::join(facts_.cameras, ","));
}

}  // namespace ride::agent
