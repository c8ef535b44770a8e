#include "tests/tasks/faults.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace ride::tasks {

FileSizeLimit::FileSizeLimit(rlim_t bytes) {
  EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &before_), 0);
  handler_ = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before_;
  small.rlim_cur = bytes;
  EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
}

FileSizeLimit::~FileSizeLimit() {
  ::setrlimit(RLIMIT_FSIZE, &before_);
  std::signal(SIGXFSZ, handler_);
}

namespace {
constexpr uid_t kNobody = 65534;
}

ReadOnlyFolder::ReadOnlyFolder(const std::string& path) : path_(path) {
  EXPECT_EQ(::mkdir(path.c_str(), 0555), 0);
  if (::getuid() == 0) {
    EXPECT_EQ(::seteuid(kNobody), 0);
  }
}

ReadOnlyFolder::~ReadOnlyFolder() {
  if (::getuid() == 0) {
    EXPECT_EQ(::seteuid(0), 0);
  }
  ::chmod(path_.c_str(), 0755);
}

std::string on_small_disk(const std::string& folder, int bytes, const std::function<std::string()>& body) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    const bool own = ::unshare(CLONE_NEWNS) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
    const std::string size = "size=" + std::to_string(bytes);
    std::string said = "skip";
    if (own && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
        ::mount("tmpfs", folder.c_str(), "tmpfs", 0, size.c_str()) == 0) {
      said = body();
    }
    const bool sent = ::write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size());
    ::_exit(sent ? 0 : 1);
  }
  ::close(ends[1]);
  std::string said;
  char block[4096];
  for (ssize_t got; (got = ::read(ends[0], block, sizeof block)) > 0;)
    said.append(block, static_cast<std::size_t>(got));
  ::close(ends[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  return said;
}

}  // namespace ride::tasks
