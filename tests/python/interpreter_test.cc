// Which Python is meant, and what is said where there is none.
#include "worker/python/interpreter.h"

#include <gtest/gtest.h>

#include <fstream>

#include "process/temp_folder.h"

namespace ride::python {
namespace {

namespace fs = std::filesystem;

void make_program(const fs::path& file) {
  fs::create_directories(file.parent_path());
  std::ofstream(file) << "#!/bin/sh\n";
  fs::permissions(file, fs::perms::owner_all);
}

class Interpreter : public testing::Test {
 protected:
  void SetUp() override {
    auto made = process::make_temp_folder("ride-python");
    ASSERT_TRUE(made.ok());
    folder_ = *made;
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path in(const std::string& name) const { return folder_ / name; }
  std::string found(const std::string& wanted, const std::string& search) const {
    const auto file = find_interpreter(wanted, search);
    return file.ok() ? file->string() : file.error().message;
  }
  fs::path folder_;
};

TEST_F(Interpreter, ANameIsLookedForInTheSearchPath) {
  make_program(in("b/python3"));
  fs::create_directories(in("a/python3"));
  EXPECT_EQ(found("python3", in("a").string() + ":" + in("b").string()), in("b/python3"));
  EXPECT_NE(found("python3", in("a").string()).find("apt install python3 python3-numpy"), std::string::npos);
  EXPECT_NE(found("python3", "").find("there is no Python 'python3'"), std::string::npos);
}

TEST_F(Interpreter, APathIsAFileOrAVenv) {
  make_program(in("venv/bin/python"));
  EXPECT_EQ(found(in("venv").string(), ""), in("venv/bin/python"));
  EXPECT_EQ(found(in("venv/bin/python").string(), ""), in("venv/bin/python"));
  EXPECT_NE(found(in("venv/bin").string(), "").find("is no venv"), std::string::npos);
  EXPECT_NE(found(in("none").string(), "").find("there is no Python"), std::string::npos);
}

}  // namespace
}  // namespace ride::python
