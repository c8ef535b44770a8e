// A plug-in that a job brings: loaded where its bytes are those that the job names, whatever becomes of the file.
#include "plugin/shipped.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/file_text.h"
#include "common/sha256.h"
#include "process/descriptor.h"
#include "tests/support/temp_folder.h"

namespace ride::plugin {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string bytes_of(const std::string& name) { return file_text(std::string(RIDE_PLUGINS) + "/" + name + ".so"); }

class ShippedPlugin : public ::testing::Test {
 protected:
  Result<const Library*> load(const std::string& bytes, const std::string& sha256) {
    const auto path = folder_ / "cached.so";
    std::ofstream(path, std::ios::binary) << bytes;
    const process::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    // Who can write the cache may change the file behind our back; its name is of no use to us any more.
    fs::remove(path);
    return load_shipped(file.get(), "stamp.so", sha256, {.worker = RIDE_WORKER});
  }
  std::string refusal(const std::string& bytes) {
    const auto loaded = load(bytes, sha256_hex(bytes));
    return loaded.ok() ? "it was loaded" : loaded.error().message;
  }

  test::TempFolder folder_{"shipped"};
};

TEST_F(ShippedPlugin, OtherBytesAreNotLoaded) {
  const auto honest = bytes_of("stamp_1"), forged = bytes_of("fault_exit");
  const auto loaded = load(forged, sha256_hex(honest));
  ASSERT_FALSE(loaded.ok()) << "fault_exit would have ended this process";
  EXPECT_EQ(loaded.error().code, ErrorCode::corrupt);
  EXPECT_FALSE(loaded.error().retriable);
  EXPECT_THAT(loaded.error().message, AllOf(HasSubstr("plug-in stamp.so"), HasSubstr(sha256_hex(forged)),
                                            HasSubstr("the job names " + sha256_hex(honest))));
  EXPECT_FALSE(load(honest + '\0', sha256_hex(honest)).ok());
  EXPECT_FALSE(load(honest.substr(1), sha256_hex(honest)).ok());
  EXPECT_FALSE(load("", sha256_hex(honest)).ok());
  EXPECT_EQ(loaded_shipped(), "");
}

TEST_F(ShippedPlugin, WhatIsNoPluginIsAnErrorThatNamesIt) {
  const auto honest = bytes_of("stamp_1");
  EXPECT_THAT(refusal("#!/bin/sh\n"),
              AllOf(HasSubstr("plug-in stamp.so: is no shared library"), Not(HasSubstr("/proc/"))));
  EXPECT_THAT(refusal(honest.substr(0, honest.size() / 2)), HasSubstr("plug-in stamp.so: "));
  EXPECT_THAT(refusal(bytes_of("fault_crash")),
              AllOf(HasSubstr("plug-in stamp.so: loading it failed: it crashed"), Not(HasSubstr("/proc/"))));
  EXPECT_THAT(refusal(bytes_of("fault_exit")), HasSubstr("it ended with code 7"));
  EXPECT_THAT(refusal(bytes_of("fault_other_version")), HasSubstr("was built for version 77"));
  EXPECT_EQ(loaded_shipped(), "");
}

TEST_F(ShippedPlugin, OneIsLoadedOnceAndNoSecondOneBesideIt) {
  const auto one = bytes_of("stamp_1"), two = bytes_of("stamp_2");
  const auto loaded = load(one, sha256_hex(one));
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  ASSERT_EQ((*loaded)->tasks.size(), 1U);
  EXPECT_EQ((*loaded)->tasks.front().declaration.name, "stamp");
  EXPECT_EQ(loaded_shipped(), sha256_hex(one));
  EXPECT_EQ(load(one, sha256_hex(one)).value(), *loaded);
  const auto second = load(two, sha256_hex(two));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::cancelled);
  EXPECT_TRUE(second.error().retriable) << "by the next process";
}

}  // namespace
}  // namespace ride::plugin
