#include "cli/local/written_files.h"

#include <gtest/gtest.h>

#include <fstream>

#include "cli/local/path_pattern.h"
#include "tests/support/temp_folder.h"
#include "topology/topology.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::cli {
namespace {

namespace fs = std::filesystem;

TEST(WrittenFiles, FindsTheFixedPartOfATemplate) {
  EXPECT_EQ(fixed_folder("out/{source}/{seq}.jpg"), "out");
  EXPECT_EQ(fixed_folder("/data/x-{source}.avi"), "/data");
  EXPECT_EQ(fixed_folder("{source}.jpg"), ".");
  EXPECT_EQ(fixed_folder("/{seq}.jpg"), "/");
}

TEST(PathPattern, StandsForTheFilesOfItsTemplateAndForNoOthers) {
  const auto matches = [](const std::string& text, const std::string& name) {
    const auto pattern = PathPattern::of(text, "door", "album");
    return pattern && pattern->parts().size() == 1 && pattern->parts().front().matches(name);
  };
  EXPECT_TRUE(matches("{seq:06}.jpg", "000017.jpg"));
  EXPECT_TRUE(matches("{source}-{session}-{seq}.png", "gate-2-1-17.png"));
  EXPECT_TRUE(matches("{stage}-{source}.avi", "album-a%20b.avi"));
  EXPECT_TRUE(matches("{job}.{worker}.txt", "door.w1%23a%402.txt"));
  EXPECT_FALSE(matches("{seq}.jpg", "x17.jpg"));
  EXPECT_FALSE(matches("{seq}.jpg", ".jpg"));
  EXPECT_FALSE(matches("{seq}.jpg", "17.jpg.bak"));
  EXPECT_FALSE(matches("{stage}-{seq}.jpg", "other-17.jpg"));
  EXPECT_FALSE(matches("{source}", ".ride"));
  EXPECT_TRUE(matches("pr.txt", "pr.txt"));
  EXPECT_FALSE(matches("pr.txt", "pr.txt2"));
  EXPECT_TRUE(matches("{from}-{seq}.jpg", "edges-17.jpg"));
  EXPECT_TRUE(matches("{file}", "day 1/p01.jpg"));
  EXPECT_TRUE(matches("{file_stem}.png", "day1/p01.png"));
  EXPECT_FALSE(matches("{file_stem}.png", "day1/p01.jpg"));
  EXPECT_FALSE(matches("{source}.png", "day1/p01.png"));
  EXPECT_FALSE(PathPattern::of("{nothing}", "door", "album").has_value());
}

class WrittenFilesTest : public ::testing::Test {
 protected:
  // Two sinks, in the folder of the test.
  topology::Topology topology(const std::string& album, const std::string& lines) {
    const std::string yaml =
        "ride: v1\nname: t\nsources:\n  s: { synthetic: { width: 8, height: 8, frames: 3 } }\nsinks:\n"
        "  - { name: album, from: [s], task: write_images, params: { path: \"" +
        (temp_ / album).string() + "\" } }\n  - { name: lines, from: [s], task: print, params: { path: \"" +
        (temp_ / lines).string() + "\" } }\n";
    auto parsed = topology::parse_topology(yaml, "t.yaml", tasks::builtin_catalog(), environment_of({}));
    EXPECT_TRUE(parsed.topology.has_value()) << topology::render(parsed.diagnostics, yaml);
    return std::move(*parsed.topology);
  }
  void write(const std::string& name, std::chrono::seconds after) {
    fs::create_directories((temp_ / name).parent_path());
    std::ofstream(temp_ / name) << "x";
    fs::last_write_time(temp_ / name, since_ + after);
  }

  const test::TempFolder temp_;
  const fs::file_time_type since_ = fs::file_time_type::clock::now();
};

TEST_F(WrittenFilesTest, CountsWhatIsNewInOrderOfNumbers) {
  const auto job = topology("{source}/{seq}.jpg", "lines.txt");
  write("s/7.jpg", std::chrono::hours(-1));
  for (const char* name : {"s/9.jpg", "s/10.jpg", "s/100.jpg"}) write(name, std::chrono::seconds(1));
  const auto files = find_written_files(job, since_, {});
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].sink, "album");
  EXPECT_EQ(files[0].count, 3);
  EXPECT_EQ(files[0].anew, 0);
  EXPECT_EQ(files[0].first, "s/9.jpg");
  EXPECT_EQ(files[0].last, "s/100.jpg");
  EXPECT_EQ(files[1].count, 0);
}

TEST_F(WrittenFilesTest, EachSinkClaimsOnlyTheFilesOfItsTemplate) {
  const auto job = topology("{source}-{seq}.jpg", "lines.txt");
  for (const char* name :
       {"s-1.jpg", "lines.txt", "notes.txt", ".ride/broker/kafka/0.log", "s-1.jpg.d/s-2.jpg", ".s-3.jpg"})
    write(name, std::chrono::seconds(1));
  const auto files = find_written_files(job, since_, {});
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].count, 1);
  EXPECT_EQ(files[0].first, "s-1.jpg");
  EXPECT_EQ(files[1].count, 1);
  EXPECT_EQ(files[1].first, "lines.txt");
}

TEST_F(WrittenFilesTest, KnowsWhatWasThereBefore) {
  const auto job = topology("{source}/{seq}.jpg", "lines.txt");
  for (const char* name : {"s/1.jpg", "s/2.jpg", "lines.txt"}) write(name, std::chrono::hours(-1));
  const auto before = files_of_sinks(job);
  for (const char* name : {"s/2.jpg", "s/3.jpg", "lines.txt"}) write(name, std::chrono::seconds(1));
  const auto files = find_written_files(job, since_, before);
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].count, 2);
  EXPECT_EQ(files[0].anew, 1);
  EXPECT_FALSE(files[0].appends);
  EXPECT_EQ(files[1].anew, 1);
  EXPECT_TRUE(files[1].appends);
}

}  // namespace
}  // namespace ride::cli
