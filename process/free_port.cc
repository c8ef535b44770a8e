#include "process/free_port.h"

#include <netdb.h>
#include <spdlog/fmt/fmt.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <random>

namespace ride::process {
namespace {

constexpr int kFirst = 20000, kLast = 32000, kTries = 400;

// A socket that holds a port for as long as it lives.
struct Holder {
  int socket = -1;
  Holder() = default;
  Holder(Holder&& other) noexcept : socket(std::exchange(other.socket, -1)) {}
  Holder& operator=(Holder&&) = delete;
  ~Holder() {
    if (socket >= 0) close(socket);
  }
};

// 0, or the errno of the attempt; -1 when the host has no address.
int hold(const std::string& host, int port, Holder& holder) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.empty() ? nullptr : host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return -1;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, freeaddrinfo);
  holder.socket = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;  // as Java does: a connection in TIME_WAIT does not count as taken
  setsockopt(holder.socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(holder.socket, found->ai_addr, found->ai_addrlen) != 0) return errno;
  return listen(holder.socket, 1) == 0 ? 0 : errno;
}

Error not_ours(const std::string& host) {
  return {ErrorCode::invalid_argument,
          fmt::format("'{}' is not an address of this machine: give one that is, or 0.0.0.0 for all", host)};
}

}  // namespace

Result<std::vector<int>> free_ports(const std::string& host, int count) {
  std::random_device seed;
  std::mt19937 random(seed());
  std::uniform_int_distribution<int> any(kFirst, kLast);
  std::vector<Holder> held;  // until all are found, so that they differ
  std::vector<int> ports;
  for (int tries = 0; tries < kTries && static_cast<int>(ports.size()) < count; ++tries) {
    const int port = any(random);
    Holder holder;
    const int error = hold(host, port, holder);
    if (error == -1 || error == EADDRNOTAVAIL) return not_ours(host);
    if (error != 0) continue;
    held.push_back(std::move(holder));
    ports.push_back(port);
  }
  if (static_cast<int>(ports.size()) == count) return ports;
  return Error{ErrorCode::resource_exhausted, fmt::format("no free ports between {} and {} on {}", kFirst, kLast, host),
               true};
}

Result<void> check_port_free(const std::string& host, int port) {
  Holder holder;
  const int error = hold(host, port, holder);
  if (error == 0) return {};
  if (error == -1 || error == EADDRNOTAVAIL) return not_ours(host);
  if (error == EACCES) {
    return Error{ErrorCode::permission, fmt::format("port {} may only be used by root: give one above 1023", port)};
  }
  if (error == EADDRINUSE) {
    return Error{ErrorCode::already_exists,
                 fmt::format("port {} on {} is taken by another program: stop it, or give another port (--port; of "
                             "'ride up': --broker-port; 0: a free one)",
                             port, host)};
  }
  return Error{ErrorCode::internal, fmt::format("cannot listen on {}:{}: {}", host, port, std::strerror(error))};
}

}  // namespace ride::process
