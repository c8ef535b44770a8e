// What docs/ asks people to type is typed here: the `sh` and `yaml` blocks of a page, in order, in one shell. `console`
// blocks are not run (they install, or need more machines); a yaml block is written into the file that its first line
// names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "process/free_port.h"
#include "tests/cli/ride_process.h"
#include "tests/support/temp_folder.h"

namespace ride::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using ::testing::HasSubstr;

std::string page(const std::string& name) {
  std::ostringstream text;
  text << std::ifstream(fs::path(RIDE_SOURCE_DIR) / "docs" / name).rdbuf();
  return text.str();
}

std::string script_of(const std::string& page) {
  std::string script = "set -euo pipefail\ntrap 'kill $(jobs -p) 2> /dev/null || true; wait' EXIT\n";
  std::istringstream lines(page);
  std::string language, block;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("```")) {
      if (inside) block += line + "\n";
      continue;
    }
    if (inside && language == "sh") script += block;
    if (inside && language == "yaml") {
      const auto name = block.substr(2, block.find('\n') - 2);
      EXPECT_TRUE(block.starts_with("# ") && name.ends_with(".yaml")) << "a file is not named:\n" << block;
      script += "cat > " + name + " <<'END-OF-FILE'\n" + block + "END-OF-FILE\n";
    }
    inside = !inside;
    language = inside ? line.substr(3) : "";
    block.clear();
  }
  return script;
}

class DocsPages : public ::testing::Test {
 protected:
  void TearDown() override {
    EXPECT_TRUE(none_left_within(folder_.path().string(), seconds(120))) << "processes are left behind";
  }
  void make_picture(const std::string& name) {
    const auto file = folder_ / "pictures" / name;
    fs::create_directories(file.parent_path());
    ASSERT_EQ(
        std::system(
            ("ffmpeg -v error -f lavfi -i testsrc=size=800x600:rate=1 -frames:v 1 '" + file.string() + "'").c_str()),
        0);
  }
  RideResult type(const std::string& script) {
    std::ofstream(folder_ / "page.sh") << script;
    const auto path = fs::path(RIDE_PROGRAM).parent_path().string() + ":" + std::getenv("PATH");
    RideProcess shell({"/bin/bash", "page.sh"}, {folder_.path(), {{"TMPDIR", folder_.path().string()}, {"PATH", path}}},
                      false);
    return shell.wait(seconds(300));
  }
  TempFolder folder_{"docs"};
};

TEST_F(DocsPages, FirstTopologyRunsAsPrinted) {
  for (const char* name : {"p01.jpg", "p02.jpg", "day1/p01.png"}) make_picture(name);
  const auto result = type(script_of(page("first-topology.md")));
  ASSERT_EQ(result.code, 0) << result.out << result.err;
  for (const char* name : {"p01.jpg", "p02.jpg", "blurred/p01.png", "blurred/day1/p01.png", "scene/1/000000.jpg"})
    EXPECT_TRUE(fs::exists(folder_ / "out" / name)) << name << result.out << result.err;
  EXPECT_THAT(result.out, HasSubstr("edges, run 1: completed"));
}

TEST_F(DocsPages, KafkaInAndOutRunsAsPrinted) {
  if (std::system("kcat -V > /dev/null 2>&1") != 0) GTEST_SKIP() << "kcat is not installed";
  for (const char* name : {"p01.jpg", "p02.jpg"}) make_picture(name);
  const auto ports = process::free_ports("127.0.0.1", 1);
  ASSERT_TRUE(ports.ok()) << ports.error().message;
  const auto text = std::regex_replace(page("kafka-in-and-out.md"), std::regex("9092"), std::to_string(ports->front()));
  const auto result = type(script_of(text));
  ASSERT_EQ(result.code, 0) << result.out << result.err;
  EXPECT_THAT(result.out, HasSubstr("ride_attr_source_record=plates/"));
  EXPECT_THAT(result.out, HasSubstr("content-type=image/png"));
  EXPECT_THAT(result.out, HasSubstr("outlines-again/")) << result.err;
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "saved"), fs::directory_iterator()), 2)
      << result.out << result.err;
}

// A folder of its own with all that runs: nothing of the build or the working folder is needed.
TEST_F(DocsPages, InstalledProgramsRunFromTheirOwnFolder) {
  if (!fs::exists(fs::path(RIDE_SOURCE_DIR) / ".kafka/libs"))
    GTEST_SKIP() << "scripts/fetch-kafka has put no jars there";
  const auto bin = fs::path(RIDE_PROGRAM).parent_path();
  make_picture("p01.jpg");
  std::ofstream(folder_ / "job.yaml")
      << "ride: v1\nname: small\nsources:\n  photos: { directory: pictures }\nsinks:\n"
         "  - { name: album, from: [photos], task: write_images, params: { path: \"out/{file}\" } }\n";
  const auto result = type(
      "set -euo pipefail\nRIDE_BUILD='" + bin.parent_path().string() + "' '" + RIDE_SOURCE_DIR +
      "/deploy/install-programs' \"$PWD/local\"\nunset RIDE_KAFKA_LIBS\nPATH=$PWD/local/bin:$PATH\ncommand -v ride\n"
      "ride run job.yaml\nride new task mine --lang cpp\ncd mine\neval \"$(grep '^cmake' README.md)\"\n"
      "ride tasks mine --plugin build/mine.so\n");
  ASSERT_EQ(result.code, 0) << result.out << result.err;
  EXPECT_THAT(result.out, HasSubstr("/local/bin/ride\n"));
  EXPECT_TRUE(fs::exists(folder_ / "out/p01.jpg"));
  EXPECT_THAT(result.out, HasSubstr("task: mine")) << "with the SDK that was installed";
}

}  // namespace
}  // namespace ride::test
