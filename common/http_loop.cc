#include "common/http_loop.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <spdlog/fmt/fmt.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "common/worker_pool.h"

namespace ride {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kLook{100};  // at the deadlines
constexpr milliseconds kLinger{2'000}, kLingerSilence{500};
constexpr milliseconds kLastAnswers{1'000};  // that stop() lets go out
constexpr int kBacklog = 1024;
constexpr std::uint64_t kListener = 0, kWake = 1, kFirstConnection = 2;
constexpr std::string_view kHeadEnd = "\r\n\r\n";

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

enum class Stage { head, body, at_work, answering, lingering };

struct Connection {
  Descriptor socket;
  Stage stage = Stage::head;
  std::string in;           // read, and not taken yet
  std::size_t scanned = 0;  // of `in`, without the head's end
  HttpRequest request;
  std::size_t length = 0;  // of the body, where its head says it
  std::optional<ChunkReader> chunks;
  bool begun = false;       // a byte of this request has come
  bool holds_body = false;  // counted in `bodies_`
  std::string out;
  std::size_t sent = 0;
  int left = 0;                             // requests
  bool close = false;                       // after this answer
  bool linger = false;                      // ... taking what is still sent, or the client would lose the answer
  bool gone = false;                        // while a worker makes its answer
  Clock::time_point since{}, deadline{};    // of this stage
  Clock::time_point silent_after{}, all{};  // of a body: the next byte, and the whole request
  std::uint32_t watched = 0;
};

Result<Descriptor> bind_to(const addrinfo& address) {
  Descriptor socket(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int yes = 1;
  // SO_REUSEPORT would let a second process listen on the same port and take half of the requests.
  const bool bound = socket.get() >= 0 && ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
                     ::bind(socket.get(), address.ai_addr, address.ai_addrlen) == 0 &&
                     ::listen(socket.get(), kBacklog) == 0;
  if (!bound) return Error{ErrorCode::unavailable, std::strerror(errno)};
  return socket;
}

Result<Descriptor> bind_to(const std::string& host, int port) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  if (const int failed = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); failed != 0)
    return Error{ErrorCode::unavailable, ::gai_strerror(failed)};
  Result<Descriptor> bound = Error{ErrorCode::unavailable, "the host has no address"};
  for (const auto* one = found; one != nullptr && !bound.ok(); one = one->ai_next) bound = bind_to(*one);
  ::freeaddrinfo(found);
  return bound;
}

std::size_t most_connections(std::size_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  return std::clamp<std::size_t>(static_cast<std::size_t>(limit.rlim_cur) / 2, 8, wanted);
}

}  // namespace

class HttpLoop::Loop {
 public:
  Loop(Descriptor listener, const HttpLimits& limits)
      : limits_(limits),
        most_connections_(most_connections(limits.connections)),
        listener_(std::move(listener)),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  ~Loop() { stop(); }

  bool usable() const { return epoll_.get() >= 0 && wake_.get() >= 0; }

  sockaddr_storage address() const {
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&own), &size);
    return own;
  }

  void serve(Handlers handlers) {
    handlers_ = std::move(handlers);
    workers_.emplace(limits_.workers);
    quick_.emplace(1);
    watch(listener_.get(), kListener, EPOLLIN, EPOLL_CTL_ADD);
    watch(wake_.get(), kWake, EPOLLIN, EPOLL_CTL_ADD);
    thread_ = std::thread([this] { run(); });
  }

  void stop() {
    if (!thread_.joinable()) return;
    over_ = true;
    wake();
    thread_.join();
    connections_.clear();
    workers_.reset();
    quick_.reset();
    listener_ = Descriptor();
  }

 private:
  using Id = std::uint64_t;
  struct Done {
    Id id;
    std::string answer;
  };

  void watch(int fd, Id id, std::uint32_t events, int operation) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = id;
    ::epoll_ctl(epoll_.get(), operation, fd, &event);
  }
  void watch(Id id, Connection& connection, std::uint32_t events) {
    if (connection.watched == events) return;
    watch(connection.socket.get(), id, events, EPOLL_CTL_MOD);
    connection.watched = events;
  }
  void wake() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);  // full: it wakes already
  }

  void run() {
    std::array<epoll_event, 128> events;
    for (std::optional<Clock::time_point> end; !end || (is_busy() && now_ < *end);) {
      if (over_ && !end) end = Clock::now() + kLastAnswers;
      const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), static_cast<int>(kLook.count()));
      now_ = Clock::now();
      for (int i = 0; i < count; ++i) {
        const auto& event = events[static_cast<std::size_t>(i)];
        if (event.data.u64 == kListener) {
          accept();
        } else if (event.data.u64 == kWake) {
          send_answers();
        } else {
          on_event(event.data.u64, event.events);
        }
      }
      look_at_deadlines();
    }
  }

  bool is_busy() const {
    return std::any_of(connections_.begin(), connections_.end(), [](const auto& one) {
      return one.second.stage == Stage::at_work || one.second.stage == Stage::answering;
    });
  }

  // ---- connections

  void accept() {
    if (over_ || now_ < accepts_after_) return;
    for (int i = 0; i < 64; ++i) {
      Descriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (socket.get() < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) pause_accepting();
        return;
      }
      if (connections_.size() >= most_connections_ && !close_longest_waiting()) return;  // the socket is closed
      const int yes = 1;
      ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      const Id id = next_++;
      auto& connection = connections_[id];
      connection.socket = std::move(socket);
      connection.left = limits_.requests;
      connection.watched = EPOLLIN;
      watch(connection.socket.get(), id, EPOLLIN, EPOLL_CTL_ADD);
      await_request(connection);
    }
  }

  // The system has no more descriptors: who waits longest gives up theirs, and the listener is left alone for a moment.
  void pause_accepting() {
    close_longest_waiting();
    accepts_after_ = now_ + kLook;
    watch(listener_.get(), kListener, 0, EPOLL_CTL_MOD);
  }

  // Closes the connection that has waited longest for its client: without a request rather than within one.
  bool close_longest_waiting() {
    const auto rank = [](const Connection& one) {
      return one.stage == Stage::body || one.stage == Stage::answering ? 1 : 0;
    };
    auto oldest = connections_.end();
    for (auto one = connections_.begin(); one != connections_.end(); ++one) {
      if (one->second.stage == Stage::at_work) continue;
      if (oldest == connections_.end() ||
          std::pair(rank(one->second), one->second.since) < std::pair(rank(oldest->second), oldest->second.since))
        oldest = one;
    }
    if (oldest == connections_.end()) return false;
    drop(oldest->first);
    return true;
  }

  void drop(Id id) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    if (found->second.stage == Stage::at_work) {  // its worker still comes back for it
      found->second.gone = true;
      found->second.socket = Descriptor();
      return;
    }
    if (found->second.sent < found->second.out.size()) reset(found->second.socket.get());
    forget_request(found->second);
    connections_.erase(found);
  }

  // The system does not wait either for a client that does not read its answer: it would keep megabytes that nobody
  // gets.
  static void reset(int socket) {
    const linger at_once{1, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }

  void forget_request(Connection& connection) {
    if (connection.holds_body) --bodies_;
    connection.holds_body = false;
    connection.request = {};
    connection.chunks.reset();
    answer_bytes_ -= connection.out.size();
    connection.out = {};
    connection.sent = 0;
  }

  void await_request(Connection& connection) {
    forget_request(connection);
    connection.stage = Stage::head;
    connection.scanned = 0;
    connection.since = now_;
    connection.begun = !connection.in.empty();
    connection.deadline = now_ + (connection.in.empty() ? limits_.idle : limits_.head);
    connection.all = now_ + limits_.request;
  }

  void look_at_deadlines() {
    if (now_ >= accepts_after_ && accepts_after_ != Clock::time_point{}) {
      accepts_after_ = {};
      watch(listener_.get(), kListener, EPOLLIN, EPOLL_CTL_MOD);
    }
    if (now_ - looked_ < kLook) return;
    looked_ = now_;
    std::vector<Id> late;
    for (const auto& [id, one] : connections_) {
      const bool silent = one.stage == Stage::body && (now_ >= one.silent_after || now_ >= one.all);
      if (silent || (one.stage != Stage::at_work && one.stage != Stage::body && now_ >= one.deadline))
        late.push_back(id);
    }
    for (const Id id : late) end_late(id);
  }

  void end_late(Id id) {
    auto& connection = connections_.at(id);
    if (connection.stage != Stage::body) return drop(id);
    refuse(id, connection, handlers_.fault({408, "the body ended early, or came too slowly"}));
  }

  // ---- reading

  void on_event(Id id, std::uint32_t events) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    auto& connection = found->second;
    if ((events & (EPOLLERR | EPOLLHUP)) != 0 || (events & (EPOLLIN | EPOLLOUT)) == 0) {
      if (connection.stage == Stage::at_work) watch(connection.socket.get(), id, 0, EPOLL_CTL_DEL);
      return drop(id);
    }
    if (connection.stage == Stage::answering) return send(id, connection);
    if ((events & EPOLLIN) != 0) receive(id, connection);
  }

  void receive(Id id, Connection& connection) {
    const auto count = ::recv(connection.socket.get(), buffer_.data(), buffer_.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    const bool within = connection.stage == Stage::body || (connection.stage == Stage::head && !connection.in.empty());
    if (count == 0 && within) return refuse(id, connection, handlers_.fault({400, "the request ended early"}));
    if (count <= 0) return drop(id);
    if (connection.stage == Stage::lingering) {
      connection.deadline = std::min(connection.all, now_ + kLingerSilence);
      return;
    }
    if (connection.stage == Stage::head && !std::exchange(connection.begun, true)) {
      connection.since = now_;
      connection.deadline = now_ + limits_.head;
      connection.all = now_ + limits_.request;
    }
    connection.silent_after = now_ + limits_.silence;
    connection.in.append(buffer_.data(), static_cast<std::size_t>(count));
    advance(id, connection);
  }

  void advance(Id id, Connection& connection) {
    if (connection.stage == Stage::head && !read_head(id, connection)) return;
    if (connection.stage == Stage::body) read_body(id, connection);
  }

  // Whether there is one, and it is not refused.
  bool read_head(Id id, Connection& connection) {
    auto& in = connection.in;
    const auto begin = in.find_first_not_of("\r\n");  // empty lines before a request are none of it
    in.erase(0, std::min(begin, in.size()));
    const auto end = in.find(kHeadEnd, connection.scanned);
    if (std::min(end, in.size()) > limits_.head_bytes) {
      refuse(id, connection,
             handlers_.fault({431, fmt::format("the headers have more than {} bytes", limits_.head_bytes)}));
      return false;
    }
    connection.scanned = in.size() - std::min(in.size(), kHeadEnd.size() - 1);
    if (end == std::string::npos) return false;
    auto parsed = parse_http_head(std::string_view(in).substr(0, end));
    in.erase(0, end + kHeadEnd.size());
    if (const auto* fault = std::get_if<HttpFault>(&parsed)) {
      refuse(id, connection, handlers_.fault(*fault));
      return false;
    }
    connection.request.head = std::get<HttpHead>(std::move(parsed));
    return begin_body(id, connection);
  }

  bool begin_body(Id id, Connection& connection) {
    const auto& head = connection.request.head;
    auto framing = http_framing(head, limits_.body_bytes);
    std::optional<std::string> refused = handlers_.refuse(head);
    if (!refused)
      if (const auto* fault = std::get_if<HttpFault>(&framing)) refused = handlers_.fault(*fault);
    const bool has_body = !refused && std::get<HttpFraming>(framing).kind != BodyKind::none;
    if (has_body && bodies_ >= limits_.bodies)
      refused = handlers_.fault({503, "too many clients are sending bodies, slowly; try again in a moment"});
    if (refused) {
      refuse(id, connection, std::move(*refused));
      return false;
    }
    connection.stage = Stage::body;
    connection.since = now_;
    connection.silent_after = now_ + limits_.silence;
    connection.length = std::get<HttpFraming>(framing).length;
    if (!has_body) return true;
    connection.holds_body = true;
    ++bodies_;
    if (std::get<HttpFraming>(framing).kind == BodyKind::chunked) connection.chunks.emplace(limits_.body_bytes);
    if (head.field("expect") == "100-continue" && connection.in.empty()) {
      constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      [[maybe_unused]] const auto sent =
          ::send(connection.socket.get(), kContinue.data(), kContinue.size(), MSG_NOSIGNAL);
    }
    return true;
  }

  void read_body(Id id, Connection& connection) {
    auto& [head, body] = connection.request;
    bool whole = false;
    if (connection.chunks) {
      if (const auto fault = connection.chunks->consume(connection.in, body))
        return refuse(id, connection, handlers_.fault(*fault));
      whole = connection.chunks->done();
    } else {
      const auto size = std::min(connection.length - body.size(), connection.in.size());
      body.append(connection.in, 0, size);
      connection.in.erase(0, size);
      whole = body.size() == connection.length;
    }
    if (whole) give_to_worker(id, connection);
  }

  void give_to_worker(Id id, Connection& connection) {
    connection.close = !connection.request.head.keeps_alive() || --connection.left <= 0;
    connection.stage = Stage::at_work;
    watch(id, connection, 0);
    auto request = std::make_shared<HttpRequest>(std::move(connection.request));
    auto& pool = handlers_.is_quick(request->head) ? quick_ : workers_;
    pool->add([this, id, request, close = connection.close] {
      std::string answer;
      try {
        answer = handlers_.answer(std::move(*request), close);
      } catch (...) {  // empty: the connection is closed
      }
      {
        const std::lock_guard lock(mutex_);
        done_.push_back({id, std::move(answer)});
      }
      wake();
    });
  }

  // ---- answering

  void send_answers() {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(wake_.get(), &count, sizeof count);
    std::vector<Done> done;
    {
      const std::lock_guard lock(mutex_);
      done.swap(done_);
    }
    for (auto& [id, answer] : done) {
      auto& connection = connections_.at(id);
      connection.stage = Stage::answering;
      if (connection.gone || answer.empty()) {
        drop(id);
      } else {
        begin_answer(id, connection, std::move(answer));
      }
    }
  }

  void refuse(Id id, Connection& connection, std::string answer) {
    connection.close = connection.linger = true;
    begin_answer(id, connection, std::move(answer));
  }

  void begin_answer(Id id, Connection& connection, std::string answer) {
    const bool linger = connection.linger;
    forget_request(connection);
    connection.stage = Stage::answering;
    connection.since = now_;
    connection.deadline = now_ + limits_.answer;
    answer_bytes_ += answer.size();
    connection.out = std::move(answer);
    connection.linger = linger;
    cut_off_oldest_answers(id);
    send(id, connection);
  }

  void cut_off_oldest_answers(Id but) {
    while (answer_bytes_ > limits_.answer_bytes) {
      auto oldest = connections_.end();
      for (auto one = connections_.begin(); one != connections_.end(); ++one)
        if (one->second.stage == Stage::answering && one->first != but &&
            (oldest == connections_.end() || one->second.since < oldest->second.since))
          oldest = one;
      if (oldest == connections_.end()) return;
      drop(oldest->first);
    }
  }

  void send(Id id, Connection& connection) {
    while (connection.sent < connection.out.size()) {
      const auto count = ::send(connection.socket.get(), connection.out.data() + connection.sent,
                                connection.out.size() - connection.sent, MSG_NOSIGNAL);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno == EAGAIN) return watch(id, connection, EPOLLOUT);
      if (count <= 0) return drop(id);
      connection.sent += static_cast<std::size_t>(count);
    }
    after_answer(id, connection);
  }

  void after_answer(Id id, Connection& connection) {
    if (connection.close && !connection.linger && connection.in.empty()) return drop(id);
    if (!connection.close) {
      await_request(connection);
      watch(id, connection, EPOLLIN);
      return advance(id, connection);  // it may have sent the next one already
    }
    // A socket that is closed with bytes unread takes the answer away from a client that is still sending.
    ::shutdown(connection.socket.get(), SHUT_WR);
    forget_request(connection);
    connection.in = {};
    connection.stage = Stage::lingering;
    connection.since = now_;
    connection.all = now_ + kLinger;
    connection.deadline = now_ + kLingerSilence;
    watch(id, connection, EPOLLIN);
  }

  const HttpLimits limits_;
  const std::size_t most_connections_;
  Handlers handlers_;
  Descriptor listener_, epoll_, wake_;
  std::optional<WorkerPool> workers_, quick_;
  std::thread thread_;
  std::atomic<bool> over_ = false;

  std::mutex mutex_;
  std::vector<Done> done_;

  // The loop's thread:
  Clock::time_point now_{}, looked_{}, accepts_after_{};
  std::map<Id, Connection> connections_;
  Id next_ = kFirstConnection;
  std::size_t bodies_ = 0, answer_bytes_ = 0;
  std::array<char, 65536> buffer_;
};

HttpLoop::HttpLoop(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
HttpLoop::~HttpLoop() = default;

Result<std::unique_ptr<HttpLoop>> HttpLoop::listen(const std::string& host, int port, const HttpLimits& limits) {
  RIDE_ASSIGN(auto listener, bind_to(host, port));
  auto loop = std::make_unique<Loop>(std::move(listener), limits);
  if (!loop->usable())
    return Error{ErrorCode::resource_exhausted, "no more file descriptors are available (ulimit -n)"};
  return std::unique_ptr<HttpLoop>(new HttpLoop(std::move(loop)));
}

int HttpLoop::port() const {
  const auto own = loop_->address();
  return ntohs(own.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(own).sin6_port
                                         : reinterpret_cast<const sockaddr_in&>(own).sin_port);
}

bool HttpLoop::on_loopback() const {
  const auto own = loop_->address();
  if (own.ss_family == AF_INET6) return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6&>(own).sin6_addr);
  return (ntohl(reinterpret_cast<const sockaddr_in&>(own).sin_addr.s_addr) >> 24) == 127;
}

void HttpLoop::serve(Handlers handlers) { loop_->serve(std::move(handlers)); }
void HttpLoop::stop() { loop_->stop(); }

}  // namespace ride
