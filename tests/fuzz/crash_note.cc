// The page that a child shares with its agent, after the child wrote into it at random (from the second word on: an
// agent never maps a page that somebody else made). What is read of it must fit into the report of its end.
#include "common/crash_note.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "common/check.h"
#include "stream/control.h"
#include "stream/core/control_limits.h"
#include "tests/fuzz/records.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ride;
  constexpr std::size_t kPageBytes = 4096;
  auto note = CrashNote::make();
  RIDE_CHECK(note.ok(), "no memory for a note");
  note->enter({JobName{"street"}, {1}, StageName{"clean"}, {3}, {42}, "gate/1/42"}, std::chrono::seconds(10));
  auto* page = ::mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, note->descriptor(), 0);
  RIDE_CHECK(page != MAP_FAILED, "the page cannot be mapped");
  // Pieces: where (two bytes), how many (one), then the bytes.
  while (size >= 4) {
    const auto at = (data[0] | data[1] << 8) % kPageBytes;
    const auto count = std::min({static_cast<std::size_t>(data[2]) + 1, size - 3, kPageBytes - at});
    std::memcpy(static_cast<char*>(page) + at, data + 3, count);
    data += 3 + count;
    size -= 3 + count;
  }
  ::munmap(page, kPageBytes);
  (void)note->memory_limit();
  const auto noted = note->read();
  if (!noted) return 0;
  RIDE_CHECK(noted->at.job.value.size() < 512 && noted->at.frame.size() <= 512, "more than the page holds");
  stream::ChildExit exit{.node = {"n1"}, .agent = {"a1#a"}, .child = {"w1#a"}};
  exit.frames.push_back(
      {noted->at.job, noted->at.run, noted->at.stage, noted->at.partition, noted->at.offset, noted->at.frame});
  stream::drop_impossible_frames(exit);
  RIDE_CHECK(stream::decode_report(stream::encode(stream::Report{"log", exit})).ok(), "a report that cannot be read");
  return 0;
}
