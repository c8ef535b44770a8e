// Who has the memory can neither shrink it nor, where it is ours, write into it.
#include "worker/python/shared_memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

namespace ride::python {
namespace {

std::string opened_again(int descriptor) { return "/proc/self/fd/" + std::to_string(descriptor); }

TEST(SharedMemory, OursCanBeReadByAnotherAndNeverWritten) {
  auto memory = SharedMemory::make(100, SharedMemory::Writer::us);
  ASSERT_TRUE(memory.ok()) << memory.error().message;
  EXPECT_GE(memory->bytes(), 100);
  memory->data()[0] = 7;
  const auto size = static_cast<std::size_t>(memory->bytes());
  void* theirs = mmap(nullptr, size, PROT_READ, MAP_SHARED, memory->descriptor(), 0);
  ASSERT_NE(theirs, MAP_FAILED);
  EXPECT_EQ(*static_cast<std::uint8_t*>(theirs), 7);
  munmap(theirs, size);
  EXPECT_EQ(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory->descriptor(), 0), MAP_FAILED);
  const process::Descriptor again(open(opened_again(memory->descriptor()).c_str(), O_RDWR | O_CLOEXEC));
  if (again.ok()) {
    EXPECT_EQ(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, again.get(), 0), MAP_FAILED);
    EXPECT_LT(write(again.get(), "x", 1), 0);
  }
  memory->data()[1] = 8;
}

TEST(SharedMemory, NobodyChangesItsSize) {
  for (const auto writer : {SharedMemory::Writer::us, SharedMemory::Writer::them}) {
    auto memory = SharedMemory::make(5000, writer);
    ASSERT_TRUE(memory.ok());
    EXPECT_EQ(memory->bytes(), 8192);
    const process::Descriptor again(open(opened_again(memory->descriptor()).c_str(), O_RDWR | O_CLOEXEC));
    EXPECT_NE(ftruncate(again.get(), 0), 0);
    EXPECT_NE(ftruncate(again.get(), 1 << 20), 0);
  }
}

TEST(SharedMemory, MoreThanAPictureMayHaveIsRefused) {
  const auto memory = SharedMemory::make((std::int64_t{4} << 30) + 1, SharedMemory::Writer::us);
  ASSERT_FALSE(memory.ok());
  EXPECT_EQ(memory.error().code, ErrorCode::resource_exhausted);
}

}  // namespace
}  // namespace ride::python
