// A note that outlives the process that wrote it.
#include "common/crash_note.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace ride {
namespace {

using std::chrono::milliseconds;

const FrameAtWork kFrame{JobName{"street"}, RunNumber{3},  StageName{"people"},
                         PartitionId{2},    Offset{12345}, "gate/3/1042"};

TEST(CrashNote, TellsWhatAKilledProcessWasWorkingOn) {
  auto note = CrashNote::make().value();
  const pid_t child = fork();
  if (child == 0) {
    ::setenv(kCrashNoteVariable, std::to_string(note.descriptor()).c_str(), 1);
    const auto mine = CrashNote::inherited();
    if (!mine) _exit(1);
    mine->limit_memory(77);
    mine->enter(kFrame, milliseconds(1500));
    ::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  const auto noted = note.read();
  ASSERT_TRUE(noted);
  EXPECT_EQ(noted->at, kFrame);
  EXPECT_EQ(noted->allowed, milliseconds(1500));
  EXPECT_EQ(note.memory_limit(), 77);
  note.clear();
  EXPECT_FALSE(note.read()) << "the next child begins with nothing";
  EXPECT_EQ(note.memory_limit(), 0);
}

TEST(CrashNote, TellsWhichRecordWasBeingReadBesideTheFrameThatIsWorkedOn) {
  auto note = CrashNote::make().value();
  note.reads_for(kFrame.job, kFrame.run, kFrame.stage);
  note.enter(kFrame, milliseconds(1));
  EXPECT_FALSE(note.being_read());
  note.reading(PartitionId{1}, Offset{7});
  EXPECT_EQ(note.being_read(),
            (FrameAtWork{kFrame.job, kFrame.run, kFrame.stage, PartitionId{1}, Offset{7}, kRecordBeingRead}));
  EXPECT_EQ(note.read()->at, kFrame);
  note.has_read();
  EXPECT_FALSE(note.being_read());
  note.reading(PartitionId{1}, Offset{8});
  note.clear();
  EXPECT_FALSE(note.being_read());
}

TEST(CrashNote, SaysNothingBetweenFramesAndMovesWithProgress) {
  auto note = CrashNote::make().value();
  EXPECT_FALSE(note.read());
  note.enter(kFrame, milliseconds(1));
  const auto first = note.read()->moved;
  EXPECT_EQ(note.read()->moved, first);
  note.progress();
  const auto second = note.read()->moved;
  EXPECT_NE(second, first);
  note.leave();
  EXPECT_FALSE(note.read());
  note.enter(kFrame, milliseconds(1));
  EXPECT_NE(note.read()->moved, second) << "the same frame again is another try";
}

TEST(CrashNote, NamesAllThatIsAtWork) {
  auto note = CrashNote::make().value();
  EXPECT_TRUE(note.read_all().empty());
  for (const int place : {0, 3, CrashNote::kPlaces - 1}) {
    auto item = kFrame;
    item.offset = Offset{place};
    note.enter(item, milliseconds(1), place);
  }
  note.leave(3);
  const auto all = note.read_all();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].at.offset, Offset{0});
  EXPECT_EQ(all[1].at.offset, Offset{CrashNote::kPlaces - 1});
  EXPECT_EQ(note.read()->at.offset, Offset{0});
}

TEST(CrashNote, TellsThatTheProcessHadToEndUntilAnotherOneGetsIt) {
  auto note = CrashNote::make().value();
  EXPECT_FALSE(note.ends_in_order());
  note.end_in_order();
  EXPECT_TRUE(note.ends_in_order());
  note.clear();
  EXPECT_FALSE(note.ends_in_order());
}

TEST(CrashNote, CutsNamesThatAreTooLong) {
  auto note = CrashNote::make().value();
  auto frame = kFrame;
  frame.frame = std::string(5000, 'x');
  note.enter(frame, milliseconds(1));
  EXPECT_EQ(note.read()->at.frame, std::string(511, 'x'));
}

TEST(CrashNote, IsNotThereWithoutAnAgent) {
  ::unsetenv(kCrashNoteVariable);
  EXPECT_EQ(CrashNote::inherited(), nullptr);
  ::setenv(kCrashNoteVariable, "999", 1);
  EXPECT_EQ(CrashNote::inherited(), nullptr);
  ::unsetenv(kCrashNoteVariable);
}

}  // namespace
}  // namespace ride
