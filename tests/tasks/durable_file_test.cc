// What of a file is on the disk when a sink calls it durable: fsync() and close() of this program fail where a test
// says so.
#include "worker/tasks/durable_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <mutex>

#include "tests/tasks/harness.h"

namespace {

namespace fs = std::filesystem;

constexpr const char* kTemporary = ".ride-tmp";

// While one lives; of files and folders beneath `folder` alone.
class Disk {
 public:
  struct Sync {
    std::string path;
    bool in_place = false;  // the file that is written was there under its name
  };

  Disk(fs::path folder, std::string name) : folder_(std::move(folder)), name_(std::move(name)) {
    const std::lock_guard lock(mutex);
    watching = this;
  }
  ~Disk() {
    const std::lock_guard lock(mutex);
    watching = nullptr;
  }
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  void fail_next_sync_of(const std::string& end) { failing_sync_ = end; }
  void fail_next_close() { failing_close_ = true; }
  std::vector<Sync> syncs() const { return syncs_; }

  // 0, or the error that the caller gets.
  static int on_sync(int fd) {
    const std::lock_guard lock(mutex);
    const auto path = watching == nullptr ? std::string() : watching->path_of(fd);
    if (path.empty()) return 0;
    watching->syncs_.push_back({path, fs::exists(watching->folder_ / watching->name_)});
    if (watching->failing_sync_.empty() || !path.ends_with(watching->failing_sync_)) return 0;
    watching->failing_sync_.clear();
    return EIO;
  }
  static int on_close(int fd) {
    const std::lock_guard lock(mutex);
    if (watching == nullptr || !watching->failing_close_ || !watching->path_of(fd).ends_with(kTemporary)) return 0;
    watching->failing_close_ = false;
    return EDQUOT;
  }

 private:
  std::string path_of(int fd) const {
    std::error_code failed;
    const auto path = fs::read_symlink("/proc/self/fd/" + std::to_string(fd), failed).string();
    return !failed && path.starts_with(folder_.string()) ? path : std::string();
  }

  static inline std::mutex mutex;
  static inline Disk* watching = nullptr;
  const fs::path folder_;
  const std::string name_;
  std::string failing_sync_;
  bool failing_close_ = false;
  std::vector<Sync> syncs_;
};

}  // namespace

// Found before the C library's.
extern "C" int fsync(int fd) {
  if (const int error = Disk::on_sync(fd); error != 0) {
    errno = error;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_fsync, fd));
}

// A sanitizer has its own.
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define RIDE_CLOSE_CAN_FAIL
extern "C" int close(int fd) {
  const int error = Disk::on_close(fd);
  const auto closed = static_cast<int>(::syscall(SYS_close, fd));
  if (error == 0) return closed;
  errno = error;
  return -1;
}
#endif

namespace ride::tasks {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using Files = std::vector<std::string>;

class DurableFileTest : public testing::Test {
 protected:
  DurableFile create(bool sync) {
    auto file = DurableFile::create(folder / "1.png", {"street", "album", "w1"}, sync);
    EXPECT_TRUE(file) << file.error().message;
    EXPECT_TRUE(file->write(std::vector<std::uint8_t>(1000, 7)));
    return std::move(file).value();
  }

  TempFolder folder;
  Disk disk{fs::canonical(folder / "."), "1.png"};
};

TEST_F(DurableFileTest, IsOnTheDiskBeforeItIsInItsPlaceAndItsFolderIsBehindThat) {
  auto file = create(true);
  ASSERT_TRUE(file.commit());
  const auto syncs = disk.syncs();
  ASSERT_EQ(syncs.size(), 2U);
  EXPECT_THAT(syncs[0].path, EndsWith(kTemporary));
  EXPECT_FALSE(syncs[0].in_place) << "a power cut would leave an empty file under its name";
  EXPECT_EQ(syncs[1].path, fs::canonical(folder / ".").string());
  EXPECT_TRUE(syncs[1].in_place) << "a power cut would leave no file under its name";
}

TEST_F(DurableFileTest, WithoutSyncNothingIsWaitedFor) {
  auto file = create(false);
  ASSERT_TRUE(file.commit());
  EXPECT_TRUE(disk.syncs().empty());
  EXPECT_EQ(folder.files(), Files{"1.png"});
}

// The kernel has dropped what it could not write: a second fsync says nothing of it.
TEST_F(DurableFileTest, WhatTheDiskDidNotTakeIsNoSuccessAtTheNextTryEither) {
  {
    auto file = create(true);
    disk.fail_next_sync_of(kTemporary);
    for (int attempt = 0; attempt < 3; ++attempt) {
      const auto done = file.commit();
      ASSERT_FALSE(done) << "attempt " << attempt;
      EXPECT_THAT(done.error().message, HasSubstr("Input/output error"));
    }
    EXPECT_FALSE(fs::exists(folder / "1.png"));
  }
  EXPECT_TRUE(folder.files().empty());
}

TEST_F(DurableFileTest, AFolderThatTheDiskDidNotTakeIsSyncedAgain) {
  auto file = create(true);
  disk.fail_next_sync_of(fs::canonical(folder / ".").filename().string());
  ASSERT_FALSE(file.commit());
  const auto done = file.commit();
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(disk.syncs().size(), 3U);
  EXPECT_EQ(folder.files(), Files{"1.png"});
}

#ifdef RIDE_CLOSE_CAN_FAIL
// As network file systems and quotas may say it.
TEST_F(DurableFileTest, AWriteThatFailsWhenTheFileIsClosedIsNoSuccess) {
  for (const bool sync : {true, false}) {
    {
      auto file = create(sync);
      disk.fail_next_close();
      for (int attempt = 0; attempt < 2; ++attempt) {
        const auto done = file.commit();
        ASSERT_FALSE(done) << "attempt " << attempt;
        EXPECT_THAT(done.error().message, HasSubstr("Disk quota exceeded"));
      }
    }
    EXPECT_TRUE(folder.files().empty());
  }
}
#endif

}  // namespace
}  // namespace ride::tasks
