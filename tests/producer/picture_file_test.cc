#include "producer/sources/picture_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test_files.h"

namespace ride::producer {
namespace {

using testing::HasSubstr;

std::string cause(const std::string& path, std::int64_t max_pixels = 0) {
  auto file = read_picture_file(path, max_pixels);
  if (!file) return file.error().message;
  auto image = decode_picture(file->info, file->bytes);
  return image ? "fine" : image.error().message;
}

TEST(PictureFile, ReadsFormatAndSizeOfEveryFormat) {
  const TempFolder folder;
  struct Row {
    const char* ending;
    PictureFormat format;
    int type;
  };
  for (const Row& row : std::vector<Row>{{".jpg", PictureFormat::jpeg, CV_8UC3},
                                         {".jpg", PictureFormat::jpeg, CV_8UC1},
                                         {".png", PictureFormat::png, CV_8UC3},
                                         {".png", PictureFormat::png, CV_16UC1},
                                         {".png", PictureFormat::png, CV_8UC4},
                                         {".bmp", PictureFormat::bmp, CV_8UC3},
                                         {".tiff", PictureFormat::tiff, CV_8UC1},
                                         {".tiff", PictureFormat::tiff, CV_32FC1},
                                         {".webp", PictureFormat::webp, CV_8UC3},
                                         {".pgm", PictureFormat::pnm, CV_8UC1},
                                         {".ppm", PictureFormat::pnm, CV_8UC3}}) {
    const std::string path =
        folder.write(std::string("a") + row.ending, encoded(test_picture(37, 53, row.type), row.ending));
    auto file = read_picture_file(path, 37 * 53);
    ASSERT_TRUE(file.ok()) << row.ending << ": " << file.error().message;
    EXPECT_EQ(file->info.format, row.format);
    EXPECT_EQ(file->info.width, 53) << row.ending;
    EXPECT_EQ(file->info.height, 37) << row.ending;
    auto image = decode_picture(file->info, file->bytes);
    ASSERT_TRUE(image.ok()) << row.ending << ": " << image.error().message;
    EXPECT_EQ(image->type(), row.type == CV_8UC4 ? CV_8UC3 : row.type) << row.ending;
  }
}

TEST(PictureFile, LossyWebpHasItsSizeInAnotherPlace) {
  const TempFolder folder;
  const auto bytes = encoded(test_picture(37, 53), ".webp", {cv::IMWRITE_WEBP_QUALITY, 50});
  EXPECT_EQ(cause(folder.write("a.webp", bytes), 37 * 53), "fine");
}

TEST(PictureFile, TellsTextFromPictures) {
  const TempFolder folder;
  EXPECT_THAT(cause(folder.write("a.jpg", "this is a letter, not a picture\n")), HasSubstr("is a text file"));
  EXPECT_THAT(cause(folder.write("b.bmp", "BMW sold more cars this year than last year\n")),
              HasSubstr("is a text file"));
  EXPECT_THAT(cause(folder.write("c.jpg", std::string("\x7F"
                                                      "ELF\x02\x01\x01\x00\x00",
                                                      9))),
              HasSubstr("is no JPEG, PNG"));
  EXPECT_THAT(cause(folder.write("d.jpg", "")), HasSubstr("is empty"));
}

TEST(PictureFile, FindsATruncatedJpegAtEveryLength) {
  const TempFolder folder;
  for (const auto& flags :
       std::vector<std::vector<int>>{{}, {cv::IMWRITE_JPEG_PROGRESSIVE, 1}, {cv::IMWRITE_JPEG_RST_INTERVAL, 4}}) {
    const auto whole = encoded(test_picture(64, 96), ".jpg", flags);
    ASSERT_EQ(cause(folder.write("whole.jpg", whole)), "fine");
    for (std::size_t length = 0; length + 2 < whole.size(); length += 7) {
      ASSERT_NE(cause(folder.write("cut.jpg", first(whole, length))), "fine") << length << " of " << whole.size();
    }
  }
}

TEST(PictureFile, FindsAJpegWithAHoleThoughItEndsWell) {
  const TempFolder folder;
  auto bytes = encoded(test_picture(64, 96), ".jpg");
  bytes.erase(bytes.begin() + static_cast<long>(bytes.size() / 2), bytes.end() - 2);  // the end marker stays
  EXPECT_THAT(cause(folder.write("hole.jpg", bytes)), HasSubstr("is truncated or damaged"));
}

TEST(PictureFile, FindsATruncatedPngAtEveryLength) {
  const TempFolder folder;
  const auto whole = encoded(test_picture(16, 24), ".png");
  ASSERT_EQ(cause(folder.write("whole.png", whole)), "fine");
  for (std::size_t length = 0; length < whole.size(); length += 5) {
    ASSERT_NE(cause(folder.write("cut.png", first(whole, length))), "fine") << length << " of " << whole.size();
  }
}

TEST(PictureFile, FindsAFlippedBitInAPng) {
  const TempFolder folder;
  auto bytes = encoded(test_picture(16, 24), ".png");
  bytes[bytes.size() / 2] ^= 0x10;
  EXPECT_THAT(cause(folder.write("flipped.png", bytes)), HasSubstr("is truncated or damaged"));
}

TEST(PictureFile, FindsOtherFormatsThatAreTruncated) {
  const TempFolder folder;
  for (const char* ending : {".bmp", ".tiff", ".webp", ".pgm"}) {
    const auto whole = encoded(test_picture(64, 96, CV_8UC1), ending);
    const std::string path = folder.write(std::string("cut") + ending, first(whole, whole.size() / 2));
    EXPECT_NE(cause(path), "fine") << ending;
  }
}

TEST(PictureFile, RefusesAPictureAboveTheLimitBeforeItIsDecoded) {
  const TempFolder folder;
  // A PNG header that claims 4 gigapixels, as decompression bombs do; nothing of that size is ever allocated.
  auto bomb = encoded(test_picture(16, 24, CV_8UC1), ".png");
  for (int i = 16; i < 24; ++i) bomb[static_cast<std::size_t>(i)] = i % 4 == 2 ? 0xFF : 0;
  EXPECT_THAT(cause(folder.write("bomb.png", bomb), 100'000'000),
              HasSubstr("65280 x 65280 = 4261478400 pixels, more than max_pixels"));
  EXPECT_THAT(cause(folder.write("large.jpg", encoded(test_picture(100, 100), ".jpg")), 9999),
              HasSubstr("100 x 100 = 10000 pixels, more than max_pixels (9999) allows"));
}

TEST(PictureFile, ALargeHeaderInFrontOfTheSizeIsRead) {
  const TempFolder folder;
  const auto picture = encoded(test_picture(20, 30), ".jpg");
  std::vector<std::uint8_t> bytes(picture.begin(), picture.begin() + 2);
  for (int segment = 0; segment < 40; ++segment) {  // 2.6 MB of profile data
    bytes.insert(bytes.end(), {0xFF, 0xE2, 0xFF, 0xFF});
    bytes.insert(bytes.end(), 65533, 0x41);
  }
  bytes.insert(bytes.end(), picture.begin() + 2, picture.end());
  EXPECT_EQ(cause(folder.write("profile.jpg", bytes), 600), "fine");
}

TEST(PictureFile, AFileThatIsNoRegularFileDoesNotHang) {
  const TempFolder folder;
  ASSERT_EQ(mkfifo((folder / "pipe.jpg").c_str(), 0600), 0);
  EXPECT_THAT(cause(folder / "pipe.jpg"), HasSubstr("is not a regular file"));
  std::filesystem::create_directory(folder / "folder.jpg");
  EXPECT_THAT(cause(folder / "folder.jpg"), HasSubstr("is not a regular file"));
  EXPECT_THAT(cause(folder / "gone.jpg"), HasSubstr("No such file"));
}

TEST(PictureFile, SaysThatAFileMayNotBeRead) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const TempFolder folder;
  const std::string path = folder.write("secret.jpg", encoded(test_picture(20, 30), ".jpg"));
  ASSERT_EQ(chmod(path.c_str(), 0), 0);
  EXPECT_THAT(cause(path), HasSubstr("Permission denied"));
}

TEST(PictureFile, SurvivesRandomDamage) {
  const TempFolder folder;
  for (const char* ending : {".jpg", ".png", ".bmp", ".tiff", ".webp", ".pgm"}) {
    const auto whole = encoded(test_picture(32, 48, CV_8UC1), ending);
    cv::RNG random(99);
    for (int run = 0; run < 150; ++run) {
      auto bytes = whole;
      for (int hit = 0; hit < 4; ++hit) {
        const int reach =
            run % 2 == 0 ? static_cast<int>(bytes.size()) : std::min<int>(64, static_cast<int>(bytes.size()));
        bytes[static_cast<std::size_t>(random.uniform(0, reach))] = static_cast<std::uint8_t>(random.uniform(0, 256));
      }
      // Whatever it says: it says something, quickly, and neither crashes nor takes a huge picture.
      (void)cause(folder.write("damaged.bin", bytes), 1'000'000);
    }
  }
}

}  // namespace
}  // namespace ride::producer
