#include "plugin/shipped.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>

#include "common/sha256.h"
#include "process/descriptor.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U  // Linux 6.3; older headers do not have it
#endif

namespace ride::plugin {
namespace {

constexpr std::size_t kCopyBytes = 1 << 20;

struct Loaded {
  std::string sha256;
  std::unique_ptr<const Library> library;
};
std::mutex loading;  // one at a time; may take long
std::mutex knowing;  // what loaded() holds
// Until the process ends, as its code. Written with both locks.
Loaded& loaded() {
  static auto* const kLoaded = new Loaded;
  return *kLoaded;
}

Error about(const std::string& name, ErrorCode code, const std::string& what) {
  return {code, fmt::format("plug-in {}: {}", name, what)};
}

process::Descriptor make_memory() {
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  // Some systems refuse memory that could be executed as a program; a library is not.
  process::Descriptor memory(::memfd_create("ride-plugin", kFlags | MFD_NOEXEC_SEAL));
  return memory.ok() ? std::move(memory) : process::Descriptor(::memfd_create("ride-plugin", kFlags));
}

bool write_all(int to, const char* bytes, std::size_t count) {
  while (count > 0) {
    const auto put = ::write(to, bytes, count);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    bytes += put;
    count -= static_cast<std::size_t>(put);
  }
  return true;
}

// What is hashed is what is loaded: the copy cannot be changed any more when it is hashed.
Result<process::Descriptor> sealed_copy(int file, const std::string& name, const std::string& sha256) {
  auto memory = make_memory();
  const auto no_memory = [&] {
    auto error = about(name, ErrorCode::resource_exhausted,
                       fmt::format("there is no memory to hold it: {}", std::strerror(errno)));
    error.retriable = true;
    return error;
  };
  if (!memory.ok()) return no_memory();
  std::string bytes(kCopyBytes, '\0');
  off_t size = 0;
  for (off_t at = 0; at <= static_cast<off_t>(kMostPluginBytes);) {
    const auto got = ::pread(file, bytes.data(), bytes.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return about(name, ErrorCode::permission, fmt::format("cannot be read: {}", std::strerror(errno)));
    if (got == 0) break;
    if (!write_all(memory.get(), bytes.data(), static_cast<std::size_t>(got))) return no_memory();
    size = at += got;
  }
  if (::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
    return about(name, ErrorCode::internal, fmt::format("its memory cannot be sealed: {}", std::strerror(errno)));
  Sha256 sum;
  for (off_t at = 0; at < size;) {
    const auto got = ::pread(memory.get(), bytes.data(), bytes.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return about(name, ErrorCode::internal, "its copy in memory cannot be read");
    sum.add({bytes.data(), static_cast<std::size_t>(got)});
    at += got;
  }
  if (const auto hash = sum.hex(); hash != sha256)
    return about(name, ErrorCode::corrupt,
                 fmt::format("its bytes have the SHA-256 {}, and the job names {}", hash, sha256));
  return memory;
}

// Messages name the file by the path that it was opened by.
Error named(Error error, const std::string& path, const std::string& name) {
  for (auto at = error.message.find(path); at != std::string::npos; at = error.message.find(path, at + name.size()))
    error.message.replace(at, path.size(), name);
  return error;
}

}  // namespace

Result<const Library*> load_shipped(int file, const std::string& name, const std::string& sha256,
                                    const DescribeOptions& options) {
  const std::lock_guard lock(loading);
  auto& have = loaded();
  if (have.library && have.sha256 == sha256) return have.library.get();
  if (have.library)
    return Error{ErrorCode::cancelled,
                 fmt::format("plug-in {}: this process has loaded another one, and must start again", name), true};
  RIDE_ASSIGN(auto memory, sealed_copy(file, name, sha256));
  // By our process id: the child is to open it, too.
  const auto path = fmt::format("/proc/{}/fd/{}", ::getpid(), memory.get());
  if (const auto described = describe(path, options); !described.ok()) return named(described.error(), path, name);
  auto library = Library::open(path);
  // The loader knows it by its number: no other file may get that.
  memory.release();
  if (!library.ok()) return named(library.error(), path, name);
  library->file = name;
  const std::lock_guard known(knowing);
  have = {sha256, std::make_unique<const Library>(std::move(*library))};
  return have.library.get();
}

std::string loaded_shipped() {
  const std::lock_guard lock(knowing);
  return loaded().sha256;
}

}  // namespace ride::plugin
