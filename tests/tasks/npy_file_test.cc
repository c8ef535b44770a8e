// What the reader of NumPy files takes, and that whatever else a file holds is an error before anything is allocated.
#include "worker/tasks/npy_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <opencv2/core.hpp>

#include "tests/tasks/harness.h"
#include "tests/tasks/npy_text.h"

namespace ride::tasks {
namespace {

using testing::HasSubstr;

template <class Value>
std::string raw_values(std::initializer_list<Value> values) {
  return {reinterpret_cast<const char*>(std::data(values)), values.size() * sizeof(Value)};
}

std::string npy_error(const std::string& bytes) {
  const TempFolder folder;
  write_text(folder / "m.npy", bytes);
  const auto matrix = read_npy(folder / "m.npy");
  EXPECT_FALSE(matrix);
  if (matrix) return "";
  EXPECT_THAT(matrix.error().message, HasSubstr("cannot read a matrix from '" + (folder / "m.npy") + "': "));
  EXPECT_EQ(matrix.error().code, ErrorCode::invalid_argument);
  return matrix.error().message;
}

// What numpy.save wrote for numpy.array([[1, 2, 3], [4, 5, 6.5]], dtype), NumPy 1.24.
TEST(NpyFile, ReadsWhatNumPyWrites) {
  const TempFolder folder;
  const std::string head(
      "\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
      "                                                          \n",
      128);
  write_text(folder / "m.npy", head + raw_values<float>({1, 2, 3, 4, 5, 6.5}));
  auto matrix = read_npy(folder / "m.npy");
  ASSERT_TRUE(matrix) << matrix.error().message;
  const cv::Mat wanted = (cv::Mat_<float>(2, 3) << 1, 2, 3, 4, 5, 6.5);
  EXPECT_EQ(largest_difference(*matrix, wanted), 0);
}

TEST(NpyFile, ReadsEachVersionAndWidthAndOrderOfKeys) {
  const TempFolder folder;
  const cv::Mat wanted = (cv::Mat_<float>(1, 2) << -1.5, 1e30);
  for (const int version : {1, 2, 3}) {
    for (const char* dictionary : {"{'shape':(1,2),'descr':\"<f8\",'fortran_order':False}",
                                   "{ 'fortran_order' : False, 'descr': '<f8', 'shape': (1, 2,) , }"}) {
      write_text(folder / "m.npy", npy_head(dictionary, version) + raw_values<double>({-1.5, 1e30}));
      auto matrix = read_npy(folder / "m.npy");
      ASSERT_TRUE(matrix) << matrix.error().message;
      EXPECT_EQ(largest_difference(*matrix, wanted), 0) << dictionary;
    }
  }
}

TEST(NpyFile, KeepsWhatIsNotANumber) {
  const TempFolder folder;
  write_text(folder / "m.npy", npy_head(npy_dictionary("<f8", "(1, 2)")) + raw_values<double>({NAN, INFINITY}));
  const auto matrix = read_npy(folder / "m.npy");
  ASSERT_TRUE(matrix);
  EXPECT_TRUE(std::isnan(matrix->at<float>(0)) && std::isinf(matrix->at<float>(1)));
}

TEST(NpyFile, NamesWhatItDoesNotRead) {
  const std::string four = raw_values<float>({1, 2, 3, 4});
  const auto with = [&](const std::string& descr, const std::string& shape, bool fortran = false) {
    return npy_error(npy_head(npy_dictionary(descr, shape, fortran)) + four);
  };
  EXPECT_THAT(with(">f4", "(2, 2)"), HasSubstr("its values are '>f4'; '<f4' and '<f8' are read"));
  EXPECT_THAT(with("<i4", "(2, 2)"), HasSubstr("its values are '<i4'"));
  EXPECT_THAT(with("<f2", "(2, 2)"), HasSubstr("astype"));
  EXPECT_THAT(with("|O", "(2, 2)"), HasSubstr("its values are '|O'"));
  EXPECT_THAT(with(std::string(500, 'x'), "(2, 2)"), testing::Not(HasSubstr(std::string(40, 'x'))));
  EXPECT_THAT(with("<f4", "(2, 2)", true), HasSubstr("Fortran order"));
  EXPECT_THAT(with("<f4", "(4,)"), HasSubstr("it has 1 dimensions"));
  EXPECT_THAT(with("<f4", "(2, 1, 2)"), HasSubstr("it has 3 dimensions"));
  EXPECT_THAT(with("<f4", "()"), HasSubstr("it has 0 dimensions"));
  EXPECT_THAT(npy_error(npy_head(npy_dictionary("<f8", "(1, 1)")) + raw_values<double>({1e39})),
              HasSubstr("row 0, column 0 is too large for a float"));
}

TEST(NpyFile, RefusesAShapeThatTheFileDoesNotHold) {
  const std::string four = raw_values<float>({1, 2, 3, 4});
  const auto shaped = [&](const std::string& shape) {
    return npy_error(npy_head(npy_dictionary("<f4", shape)) + four);
  };
  EXPECT_THAT(shaped("(2, 3)"), HasSubstr("take 24 bytes behind its header, and there are 16"));
  EXPECT_THAT(shaped("(1, 3)"), HasSubstr("there are 16"));
  EXPECT_THAT(shaped("(16384, 16384)"), HasSubstr("there are 16"));  // a gigabyte, not allocated
  EXPECT_THAT(shaped("(16385, 16384)"), HasSubstr("up to 1GiB"));
  EXPECT_THAT(shaped("(1048577, 1)"), HasSubstr("1 to 1048576"));
  EXPECT_THAT(shaped("(0, 4)"), HasSubstr("0 rows"));
  EXPECT_THAT(shaped("(4294967296, 4294967296)"), HasSubstr("1 to 1048576"));
  EXPECT_THAT(shaped("(9223372036854775808, 1)"), HasSubstr("damaged"));
  EXPECT_THAT(shaped("(-2, -2)"), HasSubstr("damaged"));
}

TEST(NpyFile, RefusesAFileThatIsCutAnywhere) {
  const std::string whole = npy_head(npy_dictionary("<f4", "(2, 2)")) + raw_values<float>({1, 2, 3, 4});
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(npy_error(whole.substr(0, length)).empty()) << length;
  EXPECT_THAT(npy_error(whole + "x"), HasSubstr("there are 17"));
  EXPECT_THAT(npy_error(""), HasSubstr("it is no .npy file"));
}

TEST(NpyFile, RefusesADamagedHeader) {
  for (const char* dictionary : {"", "{", "{}", "{'descr': '<f4'}", "['descr']", "{'descr': '<f4', 'descr': '<f4'}",
                                 "{'descr': '<f4", "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 1)}",
                                 "{'descr': '<f4', 'fortran_order': 0, 'shape': (1, 1)}",
                                 "{'descr': '<f4', 'fortran_order': False, 'shape': (1 1)}",
                                 "{'descr': '<f4', 'fortran_order': False, 'shape': [1, 1]}",
                                 "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), 'more': 1}",
                                 "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1)} x"})
    EXPECT_THAT(npy_error(npy_head(dictionary) + raw_values<float>({1})), HasSubstr("damaged")) << dictionary;
  EXPECT_THAT(npy_error(npy_head(npy_dictionary("<f4", "(1, 1)"), 9) + raw_values<float>({1})), HasSubstr("version 9"));
  EXPECT_THAT(npy_error(npy_head(std::string(5000, ' '))), HasSubstr("needs less than 4096"));
  EXPECT_THAT(npy_error(std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12)), HasSubstr("4294967295 bytes"));
  EXPECT_THAT(npy_error(std::string("\x93NUMPY\x01\x00\x60\x00{}", 12)), HasSubstr("ends within its header"));
}

// A change of any byte of the head is an error, or the same matrix.
TEST(NpyFile, StandsAnyChangedByte) {
  const std::string whole = npy_head(npy_dictionary("<f4", "(2, 2)")) + raw_values<float>({1, 2, 3, 4});
  for (std::size_t at = 0; at + 16 < whole.size(); ++at) {
    for (const char value : {'\0', ' ', '9', '(', '}', '\xff'}) {
      std::string changed = whole;
      changed[at] = value;
      const auto head = parse_npy_head(changed);
      if (head && head->data_at + head->data_bytes() == static_cast<std::int64_t>(whole.size())) {
        EXPECT_EQ(head->rows * head->cols, 4) << at << " " << value;
      }
    }
  }
}

TEST(NpyFile, RefusesWhatIsNoFile) {
  const TempFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(read_npy(folder / "pipe").error().message, HasSubstr("no regular file"));
  EXPECT_THAT(read_npy(folder / ".").error().message, HasSubstr("no regular file"));
  EXPECT_THAT(read_npy("/dev/zero").error().message, HasSubstr("no regular file"));
  EXPECT_THAT(read_npy(folder / "none").error().message, HasSubstr("No such file"));
}

}  // namespace
}  // namespace ride::tasks
