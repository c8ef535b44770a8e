#include "process/tcp.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <vector>

namespace ride::process {
namespace {

using Clock = TcpDeadline::clock;

bool wait_for(int socket, short what, TcpDeadline deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  pollfd entry{socket, what, 0};
  return left > 0 && poll(&entry, 1, static_cast<int>(left)) > 0;
}

}  // namespace

Descriptor open_connection(const std::string& host, int port, TcpDeadline deadline) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  // "[::1]", as quorums write it, is "::1" for the resolver.
  const std::string bare = host.starts_with('[') && host.ends_with(']') ? host.substr(1, host.size() - 2) : host;
  if (getaddrinfo(bare.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return Descriptor();
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, freeaddrinfo);
  for (const addrinfo* address = found; address; address = address->ai_next) {
    Descriptor socket(::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket.ok()) continue;
    if (connect(socket.get(), address->ai_addr, address->ai_addrlen) != 0) {
      int error = errno;
      socklen_t size = sizeof error;
      if (error != EINPROGRESS || !wait_for(socket.get(), POLLOUT, deadline)) continue;
      if (getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) continue;
    }
    return socket;
  }
  return Descriptor();
}

bool send_all(int socket, std::span<const std::uint8_t> bytes, TcpDeadline deadline) {
  while (!bytes.empty()) {
    if (!wait_for(socket, POLLOUT, deadline)) return false;
    const ssize_t sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

bool receive_all(int socket, std::span<std::uint8_t> bytes, TcpDeadline deadline) {
  while (!bytes.empty()) {
    if (!wait_for(socket, POLLIN, deadline)) return false;
    const ssize_t got = recv(socket, bytes.data(), bytes.size(), 0);
    if (got <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

bool listens(const std::string& host, int port, std::chrono::milliseconds timeout) {
  return open_connection(host, port, Clock::now() + timeout).ok();
}

bool speaks_tls(const std::string& host, int port, std::chrono::milliseconds timeout) {
  // RFC 5246, 7.4.1.2: a record (0x16) of version 3.1 with a ClientHello (1) of version 3.3, 32 bytes that need not be
  // random here, no session, one cipher suite and no compression. A server takes it or refuses it; both answers are
  // records of TLS.
  std::vector<std::uint8_t> hello{0x16, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3};
  hello.resize(hello.size() + 32, 0x52);
  hello.insert(hello.end(), {0, 0, 2, 0xC0, 0x2F, 1, 0});
  constexpr std::uint8_t kHandshake = 0x16, kAlert = 0x15;
  const auto deadline = Clock::now() + timeout;
  const auto socket = open_connection(host, port, deadline);
  std::uint8_t head[2] = {};
  if (!socket.ok() || !send_all(socket.get(), hello, deadline) || !receive_all(socket.get(), head, deadline))
    return false;
  return (head[0] == kHandshake || head[0] == kAlert) && head[1] == 3;
}

}  // namespace ride::process
