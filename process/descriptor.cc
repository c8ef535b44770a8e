#include "process/descriptor.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace ride::process {

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    close();
    number_ = other.release();
  }
  return *this;
}

void Descriptor::close() {
  if (number_ >= 0) ::close(number_);
  number_ = -1;
}

Result<Pipe> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return Error{ErrorCode::resource_exhausted, fmt::format("cannot make a pipe: {}", std::strerror(errno)), true};
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

}  // namespace ride::process
