#include "worker/core_lease.h"

#include <spdlog/fmt/fmt.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <string>

namespace ride::worker {

namespace {

// -1: somebody else has it.
int reserve(int core) {
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return -1;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto name = fmt::format("ride-core-{}", core);
  std::memcpy(address.sun_path + 1, name.data(), name.size());  // a leading 0: no file
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (::bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0) return socket;
  ::close(socket);
  return -1;
}

// Threads that end meanwhile do not matter.
void run_on(const cpu_set_t& cores) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task", ignored)) {
    const auto text = entry.path().filename().string();
    pid_t thread = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), thread).ec == std::errc())
      sched_setaffinity(thread, sizeof cores, &cores);
  }
}

}  // namespace

CoreLease::CoreLease(int count) {
  if (sched_getaffinity(0, sizeof allowed_, &allowed_) != 0) return;
  cpu_set_t mine;
  CPU_ZERO(&mine);
  for (int core = 0; core < CPU_SETSIZE && static_cast<int>(cores_.size()) < count; ++core) {
    if (!CPU_ISSET(static_cast<std::size_t>(core), &allowed_)) continue;
    const int socket = reserve(core);
    if (socket < 0) continue;
    sockets_.push_back(socket);
    cores_.push_back(core);
    CPU_SET(static_cast<std::size_t>(core), &mine);
  }
  if (!cores_.empty()) run_on(mine);
}

CoreLease::~CoreLease() {
  if (!cores_.empty()) run_on(allowed_);
  for (const int socket : sockets_) ::close(socket);
}

}  // namespace ride::worker
