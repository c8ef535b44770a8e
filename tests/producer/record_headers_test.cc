// The records that a source of each kind writes, header by header, must be golden/<kind>.txt: readers of other versions
// read them. RIDE_UPDATE_GOLDEN=1 writes the files anew: look at the difference before you commit it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <opencv2/videoio.hpp>
#include <sstream>

#include "source_runner_fixture.h"
#include "test_files.h"

namespace ride::producer {
namespace {

class RecordHeaders : public SourceRunnerTest {
 protected:
  // Every record of the source's topic. Times differ from run to run: only their length is shown.
  std::string records() {
    std::string text;
    for (int p = 0; p < kPartitions; ++p) {
      for (const stream::Record& record : log_->records({"frames", PartitionId{p}})) {
        text += "partition " + std::to_string(p) + "\n";
        for (const auto& [name, value] : record.headers) {
          const bool time = name == "ce_time" || name.find("captured") != std::string::npos;
          text +=
              "  " + name + ": " + (time ? std::to_string(value.size()) + " characters" : std::string(value)) + "\n";
        }
      }
    }
    return text;
  }

  void expect_records(stream::SourceSpec spec, std::int64_t total) {
    const std::string kind = spec.kind;
    {
      const auto runner = start(std::move(spec), 3);
      ASSERT_TRUE(eventually([&] {
        const auto progress = runner->progress();
        return progress.ended || progress.frames + progress.rejected >= total;
      })) << runner->progress().error;
    }
    const std::string path = RIDE_SOURCE_DIR "/tests/producer/golden/" + kind + ".txt";
    if (std::getenv("RIDE_UPDATE_GOLDEN") != nullptr) {
      std::ofstream(path, std::ios::binary) << records();
      return;
    }
    std::ifstream file(path, std::ios::binary);
    ASSERT_TRUE(file) << path << " is missing; run with RIDE_UPDATE_GOLDEN=1 to write it";
    std::ostringstream written;
    written << file.rdbuf();
    EXPECT_EQ(written.str(), records()) << "of " << path;
  }
};

TEST_F(RecordHeaders, Synthetic) { expect_records(synthetic(4), 4); }

TEST_F(RecordHeaders, Directory) {
  const TempFolder folder;
  folder.write("a.png", encoded(test_picture(8, 6), ".png"));
  folder.write("b.jpg", "no picture");
  folder.write("c/d.png", encoded(test_picture(8, 6, CV_8UC1), ".png"));
  auto spec = directory("${FOLDER}");
  spec.params = {{"glob", std::string("*")}, {"recursive", true}};
  environment_ = environment_of({{"FOLDER", folder.path()}});
  expect_records(std::move(spec), 3);
}

TEST_F(RecordHeaders, Video) {
  const TempFolder folder;
  const std::string path = folder / "video.avi";
  cv::VideoWriter writer(path, cv::VideoWriter::fourcc('M', 'J', 'P', 'G'), 25, {64, 48});
  ASSERT_TRUE(writer.isOpened());
  for (int i = 0; i < 3; ++i) writer.write(cv::Mat(48, 64, CV_8UC3, cv::Scalar::all(10 + 8 * i)));
  writer.release();
  expect_records({.name = "src",
                  .kind = "video",
                  .uri = path,
                  .unpaced = true,
                  .finite = true,
                  .params = {{"loop", std::int64_t{2}}}},
                 6);
}

TEST_F(RecordHeaders, Topic) {
  ASSERT_TRUE(log_->admin()->create({.name = "plates", .partitions = 1}).ok());
  for (const std::size_t size : {12, 5, 12}) {
    auto bytes = std::make_shared<std::vector<std::uint8_t>>(size, std::uint8_t{7});
    auto writer = log_->writer();
    ASSERT_TRUE(writer->send({"plates", PartitionId{0}}, {.value = *bytes, .owner = bytes}, nullptr).ok());
    ASSERT_TRUE(writer->flush(std::chrono::seconds(5)).ok());
  }
  expect_records(
      {.name = "src",
       .kind = "topic",
       .uri = "plates",
       .params = {{"format", std::string("raw")}, {"shape", std::string("3x4x1")}, {"depth", std::string("8u")}}},
      3);
}

}  // namespace
}  // namespace ride::producer
