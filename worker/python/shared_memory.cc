#include "worker/python/shared_memory.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "process/machine.h"
#include "worker/python/reply.h"

namespace ride::python {
namespace {

constexpr std::int64_t kAskAbove = 64 << 20;

Error no_memory(std::int64_t bytes, const char* call) {
  return {ErrorCode::resource_exhausted,
          fmt::format("no shared memory of {} bytes for a picture ({}: {})", bytes, call, std::strerror(errno)), true};
}

}  // namespace

Result<SharedMemory> SharedMemory::make(std::int64_t bytes, Writer writer) {
  if (bytes < 1 || bytes > kMostPictureBytes)
    return Error{ErrorCode::resource_exhausted, fmt::format("a picture of {} bytes, and 4 GiB are the most", bytes)};
  // The system would end somebody instead of saying no.
  if (const auto left = process::available_memory(); bytes > kAskAbove && left > 0 && bytes > left)
    return Error{ErrorCode::resource_exhausted,
                 fmt::format("a picture of {} bytes, and the machine has {} bytes of memory left", bytes, left), true};
  const std::int64_t page = sysconf(_SC_PAGESIZE);
  const std::int64_t size = (bytes + page - 1) / page * page;
  process::Descriptor memory(memfd_create("ride-picture", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory.ok()) return no_memory(size, "memfd_create");
  // Pages that are missing when they are written to would end us by SIGBUS.
  int failed = 0;
  do failed = posix_fallocate(memory.get(), 0, size);
  while (failed == EINTR);
  if (failed != 0) {
    errno = failed;
    return no_memory(size, "fallocate");
  }
  const bool ours = writer == Writer::us;
  void* mapped = mmap(nullptr, static_cast<std::size_t>(size), ours ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
                      memory.get(), 0);
  if (mapped == MAP_FAILED) return no_memory(size, "mmap");
  SharedMemory made(process::Descriptor(), static_cast<std::uint8_t*>(mapped), size);
  // Of ours, what is mapped already stays writable.
  const int seals = F_SEAL_SHRINK | F_SEAL_GROW | (ours ? F_SEAL_FUTURE_WRITE : 0) | F_SEAL_SEAL;
  if (fcntl(memory.get(), F_ADD_SEALS, seals) != 0) return no_memory(size, "F_ADD_SEALS");
  if (ours)
    memory = process::Descriptor(open(fmt::format("/proc/self/fd/{}", memory.get()).c_str(), O_RDONLY | O_CLOEXEC));
  if (!memory.ok()) return no_memory(size, "open");
  made.descriptor_ = std::move(memory);
  return made;
}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept
    : descriptor_(std::move(other.descriptor_)),
      data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)) {}

SharedMemory& SharedMemory::operator=(SharedMemory&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

SharedMemory::~SharedMemory() {
  if (data_ != nullptr) munmap(data_, static_cast<std::size_t>(bytes_));
}

}  // namespace ride::python
