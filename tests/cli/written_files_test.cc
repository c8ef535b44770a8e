#include "cli/local/written_files.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_folder.h"
#include "topology/topology.h"
#include "worker/tasks/task.h"

namespace ride::cli {
namespace {

namespace fs = std::filesystem;

TEST(WrittenFiles, FindsTheFixedPartOfATemplate) {
  EXPECT_EQ(fixed_folder("out/{source}/{seq}.jpg"), "out");
  EXPECT_EQ(fixed_folder("/data/x-{source}.avi"), "/data");
  EXPECT_EQ(fixed_folder("{source}.jpg"), ".");
  EXPECT_EQ(fixed_folder("/{seq}.jpg"), "/");
}

TEST(WrittenFiles, CountsWhatIsNewInOrderOfNumbers) {
  const test::TempFolder temp;
  const std::string yaml =
      "ride: v1\nname: t\nsources:\n  s: { synthetic: { width: 8, height: 8, frames: 3 } }\nsinks:\n"
      "  - { name: album, from: [s], task: write_images, params: { path: \"" +
      temp.path().string() + "/{source}/{seq}.jpg\" } }\n";
  const auto parsed = topology::parse_topology(yaml, "t.yaml", tasks::builtin_catalog(), environment_of({}));
  ASSERT_TRUE(parsed.topology.has_value()) << topology::render(parsed.diagnostics, yaml);
  fs::create_directories(temp / "s");
  std::ofstream(temp / "s" / "old.jpg") << "x";
  const auto since = fs::file_time_type::clock::now();
  fs::last_write_time(temp / "s" / "old.jpg", since - std::chrono::hours(1));
  for (const char* name : {"9.jpg", "10.jpg", "100.jpg"}) {
    std::ofstream(temp / "s" / name) << "x";
    fs::last_write_time(temp / "s" / name, since + std::chrono::seconds(1));
  }
  const auto files = find_written_files(*parsed.topology, since);
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(files[0].sink, "album");
  EXPECT_EQ(files[0].count, 3);
  EXPECT_EQ(files[0].first, "s/9.jpg");
  EXPECT_EQ(files[0].last, "s/100.jpg");
}

}  // namespace
}  // namespace ride::cli
