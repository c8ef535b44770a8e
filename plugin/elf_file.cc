#include "plugin/elf_file.h"

#include <elf.h>
#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "process/descriptor.h"

namespace ride::plugin {
namespace {

#if defined(__x86_64__)
constexpr Elf64_Half kOurMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Elf64_Half kOurMachine = EM_AARCH64;
#else
constexpr Elf64_Half kOurMachine = EM_NONE;  // not known: left to the loader
#endif

Error bad_file(ErrorCode code, const std::string& file, const std::string& what) {
  return {code, fmt::format("plug-in {}: {}", file, what)};
}

bool read_at(int file, std::uint64_t offset, void* into, std::size_t bytes) {
  auto* to = static_cast<char*>(into);
  while (bytes > 0) {
    const auto got = ::pread(file, to, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    offset += static_cast<std::uint64_t>(got);
    bytes -= static_cast<std::size_t>(got);
  }
  return true;
}

// All that is mapped lies in the file.
bool is_whole(int file, const Elf64_Ehdr& head, std::uint64_t size) {
  constexpr int kMostSegments = 1024;
  if (head.e_phentsize != sizeof(Elf64_Phdr) || head.e_phnum == 0 || head.e_phnum > kMostSegments) return false;
  for (int i = 0; i < head.e_phnum; ++i) {
    Elf64_Phdr segment{};
    const auto step = static_cast<std::uint64_t>(i) * sizeof segment;
    if (head.e_phoff > size || !read_at(file, head.e_phoff + step, &segment, sizeof segment)) return false;
    if (segment.p_filesz > size || segment.p_offset > size - segment.p_filesz) return false;
  }
  return true;
}

}  // namespace

Result<void> check_file(const std::string& file) {
  const process::Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!opened.ok()) {
    const int why = errno;
    return bad_file(
        why == ENOENT || why == ENOTDIR ? ErrorCode::not_found : ErrorCode::permission, file,
        fmt::format("cannot be opened: {}. Correct the path, or let this user read the file", std::strerror(why)));
  }
  struct stat state {};
  if (::fstat(opened.get(), &state) != 0) return bad_file(ErrorCode::permission, file, std::strerror(errno));
  if (!S_ISREG(state.st_mode))
    return bad_file(ErrorCode::invalid_argument, file,
                    S_ISDIR(state.st_mode) ? "is a folder. Name the .so file in it" : "is no regular file");
  const auto size = static_cast<std::uint64_t>(state.st_size);
  Elf64_Ehdr head{};
  const bool elf = read_at(opened.get(), 0, &head, sizeof head) && std::memcmp(head.e_ident, ELFMAG, SELFMAG) == 0;
  if (!elf)
    return bad_file(ErrorCode::invalid_argument, file,
                    "is no shared library (ELF). Name the .so file that ride_add_plugin() builds");
  const bool ours = head.e_ident[EI_CLASS] == ELFCLASS64 && head.e_ident[EI_DATA] == ELFDATA2LSB &&
                    (kOurMachine == EM_NONE || head.e_machine == kOurMachine);
  if (!ours) return bad_file(ErrorCode::unsupported, file, "is for another kind of machine. Build it on one like this");
  if (head.e_type != ET_DYN)
    return bad_file(ErrorCode::invalid_argument, file, "is an ELF file, but no shared library. Name the .so file");
  if (!is_whole(opened.get(), head, size))
    return bad_file(ErrorCode::corrupt, file, "is cut off or damaged. Build or copy it anew");
  return {};
}

}  // namespace ride::plugin
