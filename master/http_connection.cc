#include "master/http_connection.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace ride::master {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kTurn(100);  // how long stop() goes unheard
constexpr milliseconds kLinger(2'000), kLingerSilence(500);
constexpr int kRequests = 5;  // of one connection
constexpr int kBacklog = 256;

class Connection : public httplib::Stream {
 public:
  Connection(socket_t socket, const std::atomic<socket_t>& listener, const ConnectionLimits& limits)
      : socket_(socket), listener_(listener), limits_(limits) {}

  // The next request begins; false when none does.
  bool await_request() {
    if (!has_buffered() && !wait(POLLIN, Clock::now() + limits_.idle)) return false;
    deadline_ = Clock::now() + limits_.request;
    taken_ = head_ = 0;
    length_ = -1;
    return true;
  }

  void head_is_read(const httplib::Request& request) {
    head_ = taken_;
    if (request.has_header("Transfer-Encoding")) return;
    const auto length = request.get_header_value("Content-Length");
    length_ = length.empty() ? 0 : std::atoll(length.c_str());
  }
  bool body_is_read() const { return length_ >= 0 && taken_ - head_ == length_; }

  // A socket that is closed with bytes unread takes the answer away from a client that is still sending.
  void let_the_answer_arrive() {
    ::shutdown(socket_, SHUT_WR);
    const auto until = Clock::now() + kLinger;
    while (wait(POLLIN, std::min(until, Clock::now() + kLingerSilence)) &&
           ::recv(socket_, buffer_.data(), buffer_.size(), 0) > 0) {
    }
  }

  bool is_readable() const override { return has_buffered() || wait(POLLIN, deadline_); }
  bool is_writable() const override { return wait(POLLOUT, Clock::now() + limits_.answer); }

  ssize_t read(char* to, std::size_t size) override {
    const auto most = head_ == 0 ? limits_.head_bytes : head_ + limits_.body_bytes;
    if (taken_ >= most) return -1;
    if (!has_buffered()) {
      if (!wait(POLLIN, std::min(deadline_, Clock::now() + limits_.silence))) return -1;
      const auto count = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
      if (count <= 0) return count;
      at_ = 0;
      end_ = static_cast<std::size_t>(count);
    }
    const auto count = std::min(size, end_ - at_);
    std::memcpy(to, buffer_.data() + at_, count);
    at_ += count;
    taken_ += static_cast<std::int64_t>(count);
    return static_cast<ssize_t>(count);
  }

  ssize_t write(const char* from, std::size_t size) override {
    if (!answer_until_) answer_until_ = Clock::now() + limits_.answer;
    if (!wait(POLLOUT, *answer_until_)) return -1;
    return ::send(socket_, from, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  void answered() { answer_until_.reset(); }

  void get_remote_ip_and_port(std::string&, int&) const override {}  // nobody asks
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return socket_; }

 private:
  bool has_buffered() const { return at_ < end_; }

  bool wait(short what, Clock::time_point until) const {
    while (listener_ != INVALID_SOCKET) {
      const auto rest = std::chrono::ceil<milliseconds>(until - Clock::now());
      pollfd one{socket_, what, 0};
      const int ready = ::poll(&one, 1, static_cast<int>(std::clamp(rest, milliseconds(0), kTurn).count()));
      if (ready > 0) return true;
      if (ready < 0 && errno != EINTR) return false;
      if (rest <= milliseconds(0)) return false;
    }
    return false;
  }

  const socket_t socket_;
  const std::atomic<socket_t>& listener_;
  const ConnectionLimits& limits_;
  Clock::time_point deadline_{};
  std::optional<Clock::time_point> answer_until_;
  std::array<char, 16384> buffer_{};
  std::size_t at_ = 0, end_ = 0;
  std::int64_t taken_ = 0, head_ = 0, length_ = -1;  // of this request
};

}  // namespace

void ConnectionThreads::enqueue(std::function<void()> job) {
  const std::lock_guard lock(mutex_);
  jobs_.push_back(std::move(job));
  if (jobs_.size() > free_ && threads_.size() < most_) threads_.emplace_back([this] { work(); });
  wake_.notify_one();
}

void ConnectionThreads::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++free_;
    wake_.wait(lock, [this] { return over_ || !jobs_.empty(); });
    --free_;
    if (jobs_.empty()) return;
    const auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    lock.lock();
  }
}

void ConnectionThreads::shutdown() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void HttpConnections::widen_backlog() { ::listen(svr_sock_, kBacklog); }

bool HttpConnections::process_and_close_socket(socket_t socket) {
  Connection connection(socket, svr_sock_, limits_);
  bool answered = true;
  for (int left = kRequests; left > 0 && connection.await_request(); --left) {
    bool closed = false;
    answered = process_request(connection, left == 1, closed,
                               [&](const httplib::Request& request) { connection.head_is_read(request); });
    connection.answered();
    const bool whole = connection.body_is_read();
    if (answered && !whole) connection.let_the_answer_arrive();
    if (!answered || closed || !whole) break;
  }
  ::shutdown(socket, SHUT_RDWR);
  ::close(socket);
  return answered;
}

}  // namespace ride::master
