#include "worker/python/child.h"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/fmt/fmt.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "common/file_text.h"
#include "common/log.h"
#include "process/machine.h"
#include "process/proc.h"
#include "process/spawn.h"
#include "process/variables.h"
#include "worker/python/host_script.h"
#include "worker/python/reply.h"

namespace ride::python {
namespace {

using std::chrono::steady_clock;

constexpr const char* kTokenVariable = "RIDE_PYTHON_CHILD";
// Without the working folder, where a json.py may lie. The script comes as the first message, so that no file of ours
// must be found, and `ps` shows a short line.
constexpr const char* kFirstLine =
    "import sys; sys.path[:] = [p for p in sys.path if p]; import socket; s = socket.socket(fileno=3); "
    "exec(compile(s.recv(1 << 18), 'ride', 'exec'))";
constexpr int kSocketBuffer = 1 << 20;
constexpr int kMostReads = 16;  // of 64 KiB of output at a time: a child that only prints must be asked for its time
constexpr int kKillRounds = 20;
constexpr auto kCountAgain = std::chrono::milliseconds(100);
constexpr int kDyingTime = 1000;  // milliseconds: a process closes its socket before it has ended

std::string new_token() {
  static std::atomic<std::int64_t> count{0};
  return fmt::format("{}-{}-{}.", getpid(), steady_clock::now().time_since_epoch().count(), ++count);
}

Error system_error(const char* what) {
  return {ErrorCode::resource_exhausted, fmt::format("cannot start Python: {}: {}", what, std::strerror(errno)), true};
}

}  // namespace

Result<std::unique_ptr<Child>> Child::start(const ChildPlan& plan) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return system_error("socketpair");
  process::Descriptor ours(ends[0]), theirs(ends[1]);
  for (const int end : ends) setsockopt(end, SOL_SOCKET, SO_SNDBUF, &kSocketBuffer, sizeof kSocketBuffer);
  RIDE_ASSIGN(auto output, process::make_pipe());
  if (fcntl(output.read_end.get(), F_SETFL, O_NONBLOCK) != 0) return system_error("fcntl");
  std::unique_ptr<Child> child(new Child());
  child->token_ = std::string(kTokenVariable) + "=" + new_token();
  child->log_name_ = plan.log_name;
  const auto threads = std::to_string(plan.threads);
  process::SpawnPlan spawned{.arguments = {plan.interpreter.string(), "-c", kFirstLine},
                             .output = output.write_end.get(),
                             .inherited = theirs.get(),
                             .signal_on_parent_death = SIGKILL};
  spawned.environment = process::environment_with(
      {child->token_, "OMP_NUM_THREADS=" + threads, "OPENBLAS_NUM_THREADS=" + threads, "MKL_NUM_THREADS=" + threads},
      {process::kOfOneProcess.begin(), process::kOfOneProcess.end()});
  RIDE_ASSIGN(child->pid_, process::spawn(spawned));
  child->socket_ = std::move(ours);
  child->output_ = std::move(output.read_end);
  child->process_ = process::Descriptor(static_cast<int>(syscall(SYS_pidfd_open, child->pid_, 0)));
  if (!child->process_.ok()) return system_error("pidfd_open");
  // The end of its output and of the socket is not waited for: what it has started may hold both.
  if (auto sent = child->send(host_script()); !sent.ok()) return sent.error();
  return child;
}

Child::~Child() { end(); }

Result<void> Child::send(std::string_view message, int descriptor) {
  if (message.size() > kMostMessage)
    return Error{ErrorCode::resource_exhausted,
                 fmt::format("the frame's attributes and name have {} bytes, and {} can be told to Python",
                             message.size(), kMostMessage)};
  // What the system killed long before is not why this one ends.
  if (const auto now = steady_clock::now(); !memory_kills_ || now - counted_ > kCountAgain) {
    memory_kills_ = process::out_of_memory_kills();
    counted_ = now;
  }
  iovec part{const_cast<char*>(message.data()), message.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> extra{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (descriptor >= 0) {
    header.msg_control = extra.data();
    header.msg_controllen = extra.size();
    cmsghdr* carried = CMSG_FIRSTHDR(&header);
    carried->cmsg_level = SOL_SOCKET;
    carried->cmsg_type = SCM_RIGHTS;
    carried->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(carried), &descriptor, sizeof descriptor);
  }
  ssize_t sent = 0;
  do sent = sendmsg(socket_.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  if (sent >= 0) return {};
  if (errno == EPIPE || errno == ECONNRESET) {
    await_own_end();
    return Error{ErrorCode::unavailable, "Python has closed its socket"};
  }
  return Error{ErrorCode::unavailable, fmt::format("Python takes no message: {}", std::strerror(errno))};
}

Child::Seen Child::wait(std::chrono::milliseconds time) {
  const auto until = steady_clock::now() + time;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now()).count();
    // Output is looked at behind the socket: what was printed before a message was sent is logged before it is
    // returned.
    std::array<pollfd, 3> all{pollfd{socket_.get(), POLLIN, 0}, pollfd{process_.get(), POLLIN, 0},
                              pollfd{output_.get(), POLLIN, 0}};
    const int ready = poll(all.data(), all.size(), static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (ready == 0) return Seen::nothing;
    if (ready < 0) continue;  // a signal
    if (all[2].revents != 0) log_output();
    if ((all[0].revents & POLLIN) != 0) {
      message_.resize(kMostMessage + 1);
      const auto got = recv(socket_.get(), message_.data(), message_.size(), MSG_DONTWAIT);
      message_bytes_ = static_cast<std::size_t>(std::max<ssize_t>(got, 0));
      if (got > 0) return Seen::message;
    }
    if (all[1].revents != 0) return Seen::ended;
    // It has closed its socket: nobody can speak to it any more.
    if ((all[0].revents & (POLLHUP | POLLIN)) != 0) {
      await_own_end();
      return Seen::ended;
    }
    if (left <= 0) return Seen::nothing;
  }
}

// Most that have closed their socket are about to end: then that is what is told of them.
void Child::await_own_end() const {
  pollfd process{process_.get(), POLLIN, 0};
  poll(&process, 1, kDyingTime);
}

bool Child::has_ended() {
  if (end_) return true;
  pollfd process{process_.get(), POLLIN, 0};
  return poll(&process, 1, 0) > 0;
}

void Child::log_output() {
  std::array<char, 65536> bytes{};
  for (int i = 0; i < kMostReads; ++i) {
    const auto got = output_.ok() ? read(output_.get(), bytes.data(), bytes.size()) : 0;
    if (got <= 0) {
      if (got == 0) output_.close();  // poll() leaves out what is closed
      return;
    }
    for (const auto& line : lines_.feed({bytes.data(), static_cast<std::size_t>(got)}, steady_clock::now()))
      log_info("{}: {}", log_name_, line);
  }
}

Child::End Child::end() {
  if (end_) return *end_;
  if (pid_ <= 0) return {};
  siginfo_t seen{};
  const bool by_itself =
      waitid(P_PID, static_cast<id_t>(pid_), &seen, WEXITED | WNOHANG | WNOWAIT) == 0 && seen.si_pid == pid_;
  // Not reaped yet, so the group's number is still its own.
  kill(-pid_, SIGKILL);
  kill(pid_, SIGKILL);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  end_ = End{status, by_itself};
  kill_leftovers();
  log_output();
  for (const auto& line : lines_.rest(steady_clock::now())) log_info("{}: {}", log_name_, line);
  output_.close();
  socket_.close();
  return *end_;
}

// What has left the group is known by its environment, unless it has cleared that.
void Child::kill_leftovers() const {
  for (int round = 0; round < kKillRounds; ++round) {
    bool found = false;
    for (const pid_t pid : process::all_processes()) {
      if (pid == getpid() || file_text(fmt::format("/proc/{}/environ", pid)).find(token_) == std::string::npos)
        continue;
      if (const auto stat = process::read_stat(pid); !stat || stat->ended()) continue;
      found = true;
      kill(pid, SIGKILL);
    }
    if (!found) return;
  }
}

bool Child::ran_out_of_memory() const {
  const auto kills = process::out_of_memory_kills();
  return !kills || !memory_kills_ || *kills > *memory_kills_;
}

}  // namespace ride::python
