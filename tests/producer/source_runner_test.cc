// A runner against the in-memory log: what readers take must be every item once, whatever happens to the runner.
#include "producer/source_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/written_line.h"
#include "producer/topic_manifest.h"
#include "source_runner_fixture.h"
#include "stream/frame_codec.h"
#include "test_files.h"

namespace ride::producer {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kBytesOf20 = std::int64_t{20} * 16 * 8;  // of pictures of the synthetic source

TEST_F(SourceRunnerTest, AFiniteSourceSendsEachItemOnceAndEndsEveryPartition) {
  const auto runner = start(synthetic(100));
  ASSERT_TRUE(ended(*runner));
  const Taken all = taken();
  expect_each_once(all, 100);
  EXPECT_EQ(all.ended, kPartitions);
  const auto progress = runner->progress();
  EXPECT_EQ(progress.frames, 100);
  EXPECT_EQ(progress.total, 100);
  EXPECT_EQ(progress.dropped + progress.rejected, 0);
  EXPECT_EQ(budget_.held(), 0);
  EXPECT_EQ(progress.error, "");
}

TEST_F(SourceRunnerTest, StartsOnceTheClusterIsReady) {
  access_.failures = 2;
  const auto runner = start(synthetic(20));
  ASSERT_TRUE(ended(*runner));
  expect_each_once(taken(), 20);
  EXPECT_EQ(runner->progress().error, "");
  EXPECT_EQ(budget_.held(), 0);
}

TEST_F(SourceRunnerTest, TheFramesAreThePicturesOfTheSource) {
  const auto runner = start(synthetic(4));
  ASSERT_TRUE(ended(*runner));
  auto frame = stream::to_frame(taken().frames.at(3), std::nullopt, 0);
  ASSERT_TRUE(frame.ok()) << frame.error().message;
  EXPECT_EQ(to_string(frame->id), "src/1/3");
  EXPECT_EQ(frame->image.size(), cv::Size(16, 8));
  EXPECT_LT(std::chrono::abs(system_now() - frame->captured_at), std::chrono::minutes(1));
}

TEST_F(SourceRunnerTest, ARateFallsToZeroAndTheSilenceIsToldEvenWhenTheThreadOfTheSourceStands) {
  auto endless = synthetic(0);
  endless.unpaced = false;
  endless.fps = 40;
  const auto runner = start(endless);
  ASSERT_TRUE(eventually([&] { return runner->progress().fps > 20; }));
  EXPECT_EQ(runner->progress().error, "");
  access_.gate->hang = true;
  EXPECT_TRUE(eventually([&] { return runner->progress().fps == 0; }));
  EXPECT_TRUE(eventually([&] { return runner->progress().error.starts_with("no frame for 5 s"); }))
      << runner->progress().error;
  access_.gate->hang = false;
  EXPECT_TRUE(eventually([&] { return runner->progress().fps > 1 && runner->progress().error.empty(); }));
}

// A producer reports its frames by heartbeat: one that is killed has written more than it reported. The log knows.
TEST_F(SourceRunnerTest, ASuccessorCountsWhatItsPredecessorWroteAndNeverTold) {
  finish_limit_ = std::chrono::milliseconds(0);
  auto camera = synthetic(0);
  camera.fps = 200;
  camera.unpaced = false;
  {
    const auto killed = start(camera, 1);
    ASSERT_TRUE(eventually([&] { return killed->progress().frames > 60; }));
    access_.gate->left = 0;  // nothing more is delivered: it "crashes"
  }
  finish_limit_ = std::chrono::milliseconds(5000);
  const auto wrote = static_cast<std::int64_t>(taken().pictures.size());
  access_.gate->left = 1 << 30;
  before_ = {.session = SessionId{1},
             .frames = 1000,
             .told = 40,
             .captured = wrote + 3,
             .unwritten = 2,
             .dropped = 4,
             .rejected = 5,
             .gaps = 6};
  access_.failures = 1;  // the look-up is tried again
  const auto successor = start(camera, 2);
  EXPECT_TRUE(eventually([&] { return successor->progress().earlier == 1000 + wrote; }))
      << successor->progress().earlier << ", wrote " << wrote;
  const auto progress = successor->progress();
  EXPECT_EQ(progress.unwritten, 2 + 3);
  EXPECT_EQ(progress.dropped, 4);
  EXPECT_EQ(progress.rejected, 5);
  EXPECT_EQ(progress.gaps, 6);
  EXPECT_TRUE(eventually([&] { return successor->progress().frames > 5; }));
}

// A busy broker writes what it had received from a producer that is gone by now.
TEST_F(SourceRunnerTest, ASuccessorCountsWhatAKilledOwnersBrokerWritesLate) {
  auto camera = synthetic(0);
  {
    const auto killed = start(camera, 1);
    ASSERT_TRUE(eventually([&] { return killed->progress().frames > 60; }));
    access_.gate->left = 0;
  }
  access_.gate->left = 1 << 30;
  before_ = {.session = SessionId{1}, .frames = 1000};
  auto slow = camera;
  slow.fps = 20;
  slow.unpaced = false;
  const auto successor = start(slow, 2);
  ASSERT_TRUE(eventually([&] { return successor->progress().earlier > 1000; }));
  const auto first_look = successor->progress().earlier;
  before_ = {};
  {
    const auto late = start(camera, 1);
    ASSERT_TRUE(eventually([&] { return late->progress().frames > first_look - 1000 + 20; }));
  }
  EXPECT_TRUE(eventually([&] { return successor->progress().earlier > first_look; })) << first_look;
}

// Its first heartbeat may leave before it has reached Kafka, and be its last.
TEST_F(SourceRunnerTest, ASuccessorTellsWhatWasToldBeforeItReachesKafka) {
  before_ = {.session = SessionId{1},
             .frames = 1000,
             .told = 40,
             .captured = 43,
             .unwritten = 2,
             .dropped = 4,
             .rejected = 5,
             .gaps = 6,
             .longest_gap_ms = 700};
  access_.unreachable = true;
  const auto successor = start(synthetic(0), 2);
  const auto progress = successor->progress();
  access_.unreachable = false;
  EXPECT_EQ(progress.earlier, 1040);
  EXPECT_EQ(progress.unwritten, 2);
  EXPECT_EQ(progress.dropped, 4);
  EXPECT_EQ(progress.rejected, 5);
  EXPECT_EQ(progress.gaps, 6);
  EXPECT_EQ(progress.longest_gap_ms, 700);
}

TEST_F(SourceRunnerTest, WhatAnEarlierOwnerOfAFilmLeftOutIsNoFrameOfItsSuccessor) {
  {
    const auto first = start(synthetic(30));
    ASSERT_TRUE(ended(*first));
  }
  before_ = {.dropped = 4};
  const auto successor = start(synthetic(30));
  ASSERT_TRUE(ended(*successor));
  EXPECT_TRUE(eventually([&] { return successor->progress().frames == 26; })) << successor->progress().frames;
  EXPECT_EQ(successor->progress().dropped, 4);
}

TEST_F(SourceRunnerTest, BrokenFilesLeaveARecordInTheirPlaceAndAreReported) {
  const TempFolder folder;
  const auto jpeg = encoded(test_picture(20, 30), ".jpg");
  folder.write("a.jpg", jpeg);
  folder.write("b.jpg", "no picture at all\n");
  folder.write("c.jpg", first(jpeg, jpeg.size() / 2));
  folder.write("d.jpg", encoded(test_picture(200, 200), ".jpg"));
  folder.write("e.jpg", jpeg);
  const auto runner = start(directory(folder.path()));
  ASSERT_TRUE(ended(*runner));
  const Taken all = taken();
  expect_each_once(all, 5);
  EXPECT_EQ(all.pictures.size(), 2u);
  EXPECT_THAT(all.dropped.at(1), AllOf(HasSubstr("broken_picture: "), HasSubstr("b.jpg is a text file")));
  EXPECT_THAT(all.dropped.at(2), HasSubstr("truncated"));
  EXPECT_THAT(all.dropped.at(3), HasSubstr("max_pixels"));
  const auto progress = runner->progress();
  EXPECT_EQ(progress.frames, 2);
  EXPECT_EQ(progress.rejected, 3);
  EXPECT_EQ(progress.total, 5);
  ASSERT_EQ(notices().size(), 3u);
  EXPECT_THAT(notices()[0],
              AllOf(HasSubstr("broken_picture: "), HasSubstr(folder / "b.jpg"), HasSubstr("is a text file")));
}

// Its producer is lost after it has sent the end: the next one has nothing to do, and counts as the first did.
TEST_F(SourceRunnerTest, WhoTakesOverAfterTheEndCountsAsItsPredecessorDid) {
  const TempFolder folder;
  const auto jpeg = encoded(test_picture(20, 30), ".jpg");
  folder.write("a.jpg", jpeg);
  folder.write("b.jpg", "no picture at all\n");
  folder.write("c.jpg", jpeg);
  {
    const auto first = start(directory(folder.path()));
    ASSERT_TRUE(ended(*first));
  }
  const auto next = start(directory(folder.path()));
  ASSERT_TRUE(ended(*next));
  EXPECT_EQ(next->progress().frames, 2);
  EXPECT_EQ(next->progress().rejected, 1);
  EXPECT_EQ(notices().size(), 1u) << "reported once";
}

TEST_F(SourceRunnerTest, AFileThatEndedTwoProducersIsLeftOutAndOneThatEndedOneIsRead) {
  const TempFolder folder;
  for (const char* name : {"a.jpg", "b.jpg", "c.jpg"}) folder.write(name, encoded(test_picture(20, 30), ".jpg"));
  struck_ = {{{PartitionId{0}, Offset{0}}, {"signal 6 on p#a", false}},
             {{PartitionId{0}, Offset{1}}, {"signal 6 on p#a, signal 11 on p#b", true}}};
  const auto runner = start(directory(folder.path()));
  ASSERT_TRUE(ended(*runner));
  const Taken all = taken();
  expect_each_once(all, 3);
  EXPECT_THAT(all.dropped.at(1), HasSubstr("ended its producer twice (signal 6 on p#a, signal 11 on p#b)"));
  EXPECT_EQ(runner->progress().rejected, 1);
  ASSERT_EQ(notices().size(), 1u);
  EXPECT_THAT(notices()[0], HasSubstr(folder / "b.jpg"));
}

TEST_F(SourceRunnerTest, AFilmThatEndedTwoProducersFailsItsSource) {
  struck_ = {{{PartitionId{0}, Offset{12}}, {"signal 11 on p#a, signal 11 on p#b", true}}};
  const auto runner = start({.name = "src", .kind = "video", .uri = "/nowhere.avi", .finite = true});
  ASSERT_TRUE(eventually([&] { return !notices().empty(); }));
  EXPECT_THAT(notices()[0], AllOf(HasSubstr("source_failed!"), HasSubstr("frame 12 ended its producer twice")));
}

TEST_F(SourceRunnerTest, ARestartedDirectoryLosesNothingAndCountsNothingTwice) {
  const TempFolder folder;
  const auto jpeg = encoded(test_picture(20, 30), ".jpg");
  for (int i = 0; i < 40; ++i) {
    const std::string name = std::to_string(100 + i) + ".jpg";
    i % 10 == 3 ? folder.write(name, "text\n") : folder.write(name, jpeg);
  }
  finish_limit_ = std::chrono::milliseconds(0);  // killed: nothing that is in flight arrives
  const std::int64_t steps[] = {3, 9, 4, 11};    // records that each incarnation gets through before it is "killed"
  for (const std::int64_t records : steps) {
    access_.gate = std::make_shared<WriterGate>();
    access_.gate->left = records;
    const auto runner = start(directory(folder.path()));
    const auto gate = access_.gate;
    ASSERT_TRUE(eventually([&] { return gate->left <= 0; }));
    gate->deliver = false;
    folder.write("000-new.jpg", jpeg);  // the folder changes meanwhile
  }
  access_.gate = std::make_shared<WriterGate>();
  const auto runner = start(directory(folder.path()));
  ASSERT_TRUE(ended(*runner)) << runner->progress().error;
  const Taken all = taken();
  expect_each_once(all, 40);
  EXPECT_EQ(all.dropped.size(), 4u);
  EXPECT_EQ(all.ended, kPartitions);
  const auto progress = runner->progress();
  EXPECT_EQ(progress.rejected, 4);
  EXPECT_EQ(progress.frames, 36);
  EXPECT_EQ(notices().size(), 4u) << "each broken file is reported once";
}

TEST_F(SourceRunnerTest, ARestartedFolderOfWhichAPartIsDoneSendsTheRestOnce) {
  const TempFolder folder, lists;
  const auto jpeg = encoded(test_picture(20, 30), ".jpg");
  DoneItems done;
  for (int i = 0; i < 40; ++i) {
    const std::string name = std::to_string(100 + i) + ".jpg";
    i % 10 == 3 ? folder.write(name, "text\n") : folder.write(name, jpeg);
    if (i < 3 || (i > 13 && i < 23)) done[i] = name;
  }
  lists.write(done_list_name("src"), to_text(done));
  environment_ = environment_of({{kDoneVariable, lists.path()}});
  finish_limit_ = std::chrono::milliseconds(0);
  for (const std::int64_t records : {6, 12}) {
    access_.gate = std::make_shared<WriterGate>();
    access_.gate->left = records;
    const auto runner = start(directory(folder.path()));
    const auto gate = access_.gate;
    ASSERT_TRUE(eventually([&] { return gate->left <= 0; }));
    gate->deliver = false;
    environment_ = environment_of({});  // what the first owner was told stands in the manifest
  }
  access_.gate = std::make_shared<WriterGate>();
  const auto runner = start(directory(folder.path()));
  ASSERT_TRUE(ended(*runner)) << runner->progress().error;
  for (int round = 0; round < 2; ++round) {  // also for who comes behind the end
    const auto next = round == 0 ? nullptr : start(directory(folder.path()));
    if (next) {
      ASSERT_TRUE(ended(*next));
    }
    const Taken all = taken();
    EXPECT_EQ(all.pictures.size() + all.dropped.size(), 28u);
    for (int i = 0; i < 40; ++i)
      EXPECT_EQ(all.pictures.contains(i) + all.dropped.contains(i), done.contains(i) ? 0 : 1) << i;
    for (const auto& [number, times] : all.pictures) EXPECT_EQ(times, 1) << "number " << number;
    EXPECT_EQ(all.ended, kPartitions);
    const auto progress = (next ? *next : *runner).progress();
    EXPECT_EQ(progress.rejected, 4);
    EXPECT_EQ(progress.frames, 24);
    if (!next) {
      EXPECT_EQ(progress.total, 28);
    }
  }
}

TEST_F(SourceRunnerTest, AnEndedSourceStaysEnded) {
  { ASSERT_TRUE(ended(*start(synthetic(10)))); }
  const auto again = start(synthetic(10));
  ASSERT_TRUE(ended(*again));
  EXPECT_EQ(again->progress().frames, 10);
  EXPECT_EQ(taken().repeats, 0);
}

TEST_F(SourceRunnerTest, PausesAndGoesOnWithTheNextNumber) {
  auto spec = synthetic(0);
  spec.unpaced = false;
  spec.fps = 500;
  const auto runner = start(spec);
  ASSERT_TRUE(eventually([&] { return runner->progress().frames >= 20; }));
  runner->set_mode(SourceMode::pause);
  ASSERT_TRUE(eventually([&] { return !runner->progress().connected; }));
  const auto paused_at = runner->progress().frames;
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_LE(runner->progress().frames, paused_at + 1);
  runner->set_mode(SourceMode::run);
  ASSERT_TRUE(eventually([&] { return runner->progress().frames >= paused_at + 20; }));
  runner->set_mode(SourceMode::drain);
  ASSERT_TRUE(ended(*runner));
  const Taken all = taken();
  expect_each_once(all, runner->progress().frames);
  EXPECT_EQ(all.ended, kPartitions);
}

TEST_F(SourceRunnerTest, KeepsItsPace) {
  auto spec = synthetic(60);
  spec.unpaced = false;
  spec.fps = 100;
  const auto begun = std::chrono::steady_clock::now();
  const auto runner = start(spec);
  ASSERT_TRUE(ended(*runner));
  EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(590));
  const Taken all = taken();
  const auto first = all.frames.at(0).header.captured_at, last = all.frames.at(59).header.captured_at;
  const double seconds = std::chrono::duration<double>(last - first).count();
  EXPECT_GT(seconds, 0.55);  // never faster than asked for
  EXPECT_LT(seconds, 5);     // a busy machine may hold it up, but it does not fall into another pace
}

TEST_F(SourceRunnerTest, MemoryStaysBoundedWhileKafkaTakesNothingAndNothingIsLost) {
  access_.gate->deliver = false;
  auto spec = synthetic(300);
  spec.params["width"] = std::int64_t{200};
  spec.params["height"] = std::int64_t{100};  // 20 kB a frame, 6 MB in all; the budget is 1 MiB
  const auto runner = start(spec);
  ASSERT_TRUE(eventually([&] { return budget_.held() > (1 << 20) - 20'000; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_LE(budget_.held(), 1 << 20);
  EXPECT_EQ(runner->progress().frames, 0);
  access_.gate->deliver = true;
  ASSERT_TRUE(ended(*runner));
  expect_each_once(taken(), 300);
  EXPECT_EQ(runner->progress().frames, 300);
}

TEST_F(SourceRunnerTest, WithDropWhatIsLateIsLeftOutAndAccountedFor) {
  access_.gate->deliver = false;
  auto spec = synthetic(200);
  spec.unpaced = false;
  spec.fps = 400;
  spec.drop_when_late = true;
  spec.params["width"] = std::int64_t{400};
  spec.params["height"] = std::int64_t{300};  // 120 kB a frame: eight fill the budget
  const auto runner = start(spec);
  ASSERT_TRUE(eventually([&] { return runner->progress().dropped > 50; }));
  access_.gate->deliver = true;
  ASSERT_TRUE(ended(*runner));
  const Taken all = taken();
  expect_each_once(all, 200);
  const auto progress = runner->progress();
  EXPECT_EQ(progress.frames + progress.dropped, 200);
  EXPECT_EQ(static_cast<std::int64_t>(all.dropped.size()), progress.dropped);
  EXPECT_THAT(all.dropped.begin()->second, HasSubstr("when_late"));
}

TEST_F(SourceRunnerTest, AMissingFolderFailsTheJobAndSaysWhy) {
  const auto runner = start(directory("/no/such/folder"));
  ASSERT_TRUE(eventually([&] { return !notices().empty(); }));
  EXPECT_THAT(notices()[0],
              AllOf(HasSubstr("source_failed!: source src"), HasSubstr("'/no/such/folder' does not exist")));
  EXPECT_THAT(runner->progress().error, HasSubstr("does not exist"));
  EXPECT_FALSE(runner->progress().connected);
  EXPECT_FALSE(runner->fatal());
}

TEST_F(SourceRunnerTest, AnUnsetSecretIsNamedButNoSecretIs) {
  const auto runner = start({.name = "src", .kind = "camera", .uri = "rtsp://${CAM_USER}:${CAM_PASS}@gate.invalid/x"});
  ASSERT_TRUE(eventually([&] { return !runner->progress().error.empty(); }));
  EXPECT_THAT(runner->progress().error, HasSubstr("CAM_USER"));
  runner->set_mode(SourceMode::drain);
  EXPECT_TRUE(ended(*runner)) << "a job drains though one of its cameras never opened";
}

TEST_F(SourceRunnerTest, ACameraThatIsAwayIsNoEndAndIsToldOnce) {
  const auto runner = start({.name = "src", .kind = "camera", .uri = "/dev/video987"});
  ASSERT_TRUE(eventually([&] { return !runner->progress().error.empty(); }));
  std::this_thread::sleep_for(std::chrono::milliseconds(800));  // some attempts
  EXPECT_EQ(notices().size(), 1u);
  EXPECT_THAT(notices()[0], HasSubstr("camera_lost: source src: camera /dev/video987 is not there"));
  EXPECT_EQ(runner->progress().gaps, 0);
  EXPECT_FALSE(runner->progress().ended);
}

TEST_F(SourceRunnerTest, ACodecThatCannotHoldAPictureRejectsItAlone) {
  const TempFolder folder;
  folder.write("a.png", encoded(test_picture(20, 30, CV_16UC1), ".png"));
  folder.write("b.png", encoded(test_picture(20, 30), ".png"));
  auto spec = directory(folder.path());
  spec.codec = "jpeg:90";
  const auto runner = start(spec);
  ASSERT_TRUE(ended(*runner));
  const Taken all = taken();
  EXPECT_EQ(all.pictures.size(), 1u);
  EXPECT_EQ(all.frames.at(1).header.content_type, "image/jpeg");
  EXPECT_THAT(all.dropped.at(0), HasSubstr("8-bit"));
}

TEST_F(SourceRunnerTest, ATopicIsCopiedWithItsPicturesAndItsBrokenRecords) {
  ASSERT_TRUE(log_->admin()->create({.name = "plates", .partitions = 2}).ok());
  const auto jpeg = encoded(test_picture(20, 30), ".jpg");
  auto writer = log_->writer();
  const auto put = [&](int partition, const std::vector<std::uint8_t>& bytes) {
    auto owner = std::make_shared<std::vector<std::uint8_t>>(bytes);
    ASSERT_TRUE(writer->send({"plates", PartitionId{partition}}, {.value = *owner, .owner = owner}, nullptr).ok());
    ASSERT_TRUE(writer->flush(std::chrono::seconds(5)).ok());
  };
  put(0, jpeg);
  put(1, first(jpeg, jpeg.size() / 2));
  put(0, jpeg);
  const stream::SourceSpec spec{
      .name = "src", .kind = "topic", .uri = "plates", .params = {{"format", std::string("image")}}};
  {
    const auto runner = start(spec);
    ASSERT_TRUE(eventually([&] { return runner->progress().frames == 2 && runner->progress().rejected == 1; }));
    ASSERT_TRUE(eventually([&] { return taken().dropped.size() == 1; }));
  }
  const Taken all = taken();
  EXPECT_EQ(all.pictures.size(), 2u);
  EXPECT_THAT(all.frames.begin()->second.header.attributes.at("source_record"), HasSubstr("plates/"));
  // The next owner goes on behind what was acknowledged.
  put(1, jpeg);
  const auto runner = start(spec);
  ASSERT_TRUE(eventually([&] { return taken().pictures.size() == 3; }));
  EXPECT_EQ(taken().frames.rbegin()->first, 3) << "three records have a number";
  ASSERT_TRUE(eventually([&] { return runner->progress().frames == 4; })) << "of all owners, the broken record too";
}

TEST_F(SourceRunnerTest, WhoIsStoppedWaitsForWhatIsOnItsWay) {
  access_.gate->deliver = false;
  const auto runner = start(synthetic(20));
  ASSERT_TRUE(eventually([&] { return budget_.held() == kBytesOf20; })) << budget_.held();
  runner->stop();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  access_.gate->deliver = true;
  ASSERT_TRUE(eventually([&] { return runner->finished(); }));
  EXPECT_EQ(taken().pictures.size(), 20u);
  EXPECT_EQ(runner->progress().frames, 20);
}

TEST_F(SourceRunnerTest, ASourceHasEndedWhenItsLastFramesStand) {
  access_.gate->deliver = false;
  const auto runner = start(synthetic(20));
  ASSERT_TRUE(eventually([&] { return budget_.held() == kBytesOf20; })) << budget_.held();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_FALSE(runner->progress().ended);
  access_.gate->deliver = true;
  ASSERT_TRUE(ended(*runner));
  EXPECT_EQ(taken().ended, kPartitions);
}

TEST_F(SourceRunnerTest, WhatTheClusterRefusesIsNotAcknowledgedAndEndsTheSource) {
  access_.gate->fail = true;
  const auto runner = start(synthetic(0));
  ASSERT_TRUE(eventually([&] { return runner->fatal().has_value() || runner->progress().frames > 0; }));
  EXPECT_EQ(runner->progress().frames, 0);
  ASSERT_TRUE(runner->fatal());
  EXPECT_THAT(runner->fatal()->message, HasSubstr("no right to write"));
  EXPECT_TRUE(eventually([&] { return runner->finished(); }));
  EXPECT_EQ(budget_.held(), 0) << "other sources need the memory";
}

TEST_F(SourceRunnerTest, WhatWaitsTooLongToBeWrittenIsLeftOutAndAccountedFor) {
  access_.gate->deliver = false;
  auto spec = synthetic(60);
  spec.max_age_ms = 30;
  spec.params["width"] = std::int64_t{400};
  spec.params["height"] = std::int64_t{300};  // 120 kB a frame: eight fill the budget
  const auto runner = start(spec);
  ASSERT_TRUE(eventually([&] { return runner->progress().dropped > 2; }));
  access_.gate->deliver = true;
  ASSERT_TRUE(ended(*runner));
  const Taken all = taken();
  expect_each_once(all, 60);
  EXPECT_EQ(static_cast<std::int64_t>(all.dropped.size()), runner->progress().dropped);
  EXPECT_THAT(all.dropped.begin()->second, HasSubstr("max_age"));
}

// The numbers that the end records of the source have, one for each partition.
std::vector<std::int64_t> ends_of(const stream::MemoryLog& log, int partitions) {
  std::vector<std::int64_t> numbers;
  for (int p = 0; p < partitions; ++p)
    for (const auto& record : log.records({"frames", PartitionId{p}}))
      if (const auto header = stream::decode_header(record.headers); header->kind == stream::RecordKind::end)
        numbers.push_back(header->id.number);
  return numbers;
}

TEST_F(SourceRunnerTest, DrainedWithAnItemAtHandTheEndStandsBehindTheLastThatWasSent) {
  auto spec = synthetic(1000);
  spec.unpaced = false;
  spec.fps = 5;
  const auto runner = start(spec);
  ASSERT_TRUE(eventually([&] { return runner->progress().frames >= 1; }));
  runner->set_mode(SourceMode::drain);
  ASSERT_TRUE(ended(*runner));
  const auto sent = std::ssize(taken().pictures);
  expect_each_once(taken(), sent);
  EXPECT_EQ(ends_of(*log_, kPartitions), std::vector<std::int64_t>(kPartitions, sent));
}

// The second picture cannot be sent, and the log does not take the note of it before the job drains.
TEST_F(SourceRunnerTest, DrainedWithAnItemThatIsNotYetNotedTheEndStandsBeforeIt) {
  const TempFolder folder;
  folder.write("a.png", encoded(test_picture(20, 30), ".png"));
  folder.write("b.png", encoded(test_picture(20, 30, CV_16UC1), ".png"));
  folder.write("c.png", encoded(test_picture(20, 30), ".png"));
  auto spec = directory(folder.path());
  spec.codec = "jpeg:90";
  access_.gate->left = 3;  // the names of the files, that these are all, and the first picture
  const auto runner = start(spec);
  ASSERT_TRUE(eventually([&] { return access_.gate->timeouts > 0; }));
  ASSERT_EQ(taken().pictures.size(), 1u);
  runner->set_mode(SourceMode::drain);
  ASSERT_TRUE(eventually([&] { return !runner->progress().connected; }));
  access_.gate->left = 1 << 30;
  ASSERT_TRUE(ended(*runner));
  expect_each_once(taken(), 1);
  EXPECT_EQ(ends_of(*log_, kPartitions), std::vector<std::int64_t>(kPartitions, 1));
}

}  // namespace
}  // namespace ride::producer
