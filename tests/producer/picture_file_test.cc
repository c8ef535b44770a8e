#include "producer/sources/picture_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "stream/core/picture_info.h"
#include "test_files.h"
#include "tests/support/hostile_pictures.h"

namespace ride::producer {
namespace {

using testing::HasSubstr;

std::string cause(const std::string& path, std::int64_t max_pixels = 0) {
  auto file = read_picture_file(path, {.max_pixels = max_pixels});
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
    auto file = read_picture_file(path, {.max_pixels = 37 * 53});
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
              HasSubstr("is not a JPEG, PNG"));
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

// What the process grows by while a file is read as a producer with 256 MiB does, and how long that takes.
struct Attempt {
  char cause[300] = "";
  long grown_mb = 0;
  double seconds = 0;
};
Attempt attempt(const std::string& path, const std::vector<Codec>& wanted = {}) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    rusage before{}, after{};
    ::getrusage(RUSAGE_SELF, &before);
    const auto begin = std::chrono::steady_clock::now();
    Attempt done;
    auto file = read_picture_file(path, {.max_pixels = 1'000'000'000, .memory_bytes = 256 << 20}, wanted);
    std::string cause = file ? "fine" : file.error().message;
    if (file && must_decode(file->info.format, wanted)) {
      auto image = decode_picture(file->info, file->bytes);
      if (!image) cause = image.error().message;
    }
    std::snprintf(done.cause, sizeof done.cause, "%s", cause.c_str());
    done.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    ::getrusage(RUSAGE_SELF, &after);
    done.grown_mb = (after.ru_maxrss - before.ru_maxrss) / 1024;
    ::_exit(::write(ends[1], &done, sizeof done) == sizeof done ? 0 : 1);
  }
  Attempt done;
  ::close(ends[1]);
  EXPECT_EQ(::read(ends[0], &done, sizeof done), static_cast<ssize_t>(sizeof done)) << "it ended the process";
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return done;
}

TEST(PictureFile, ASparsePngCostsNoMemory) {
  const TempFolder folder;
  // 110 kB that fill 900 megapixels of one bit, which are decoded to a byte each.
  const auto rows = test::packed_zeros(30'000 * (1 + 30'000 / 8));
  const auto bits = folder.write("bits.png", test::png_of(30'000, 30'000, 1, 0, rows));
  EXPECT_LT(std::filesystem::file_size(bits), 300'000U);
  const auto decoded = attempt(bits, {Codec{PixelEncoding::raw}});
  EXPECT_THAT(decoded.cause, HasSubstr("--memory"));
  EXPECT_LT(decoded.grown_mb, 256);
  const auto claims = folder.write("claims.png", test::png_of(30'000, 30'000, 8, 2, test::packed_zeros(12 << 20)));
  EXPECT_THAT(attempt(claims, {Codec{PixelEncoding::raw}}).cause, HasSubstr("its data cannot fill its size"));
}

TEST(PictureFile, AFileOfHolesCostsNoMemory) {
  const TempFolder folder;
  const auto path = folder.write("holes.png", first(test::png_of(30'000, 30'000, 8, 2, test::packed_zeros(100)), 60));
  std::filesystem::resize_file(path, 3'000'000'000);
  const auto done = attempt(path);
  EXPECT_THAT(done.cause, HasSubstr("--memory"));
  EXPECT_LT(done.grown_mb, 256);
}

TEST(PictureFile, AProgressiveJpegOfVeryManyPassesCostsNoTime) {
  const TempFolder folder;
  const auto bomb = test::with_jpeg_size(test::with_more_scans(test::progressive_jpeg(64), 190), 31'000, 31'000);
  const auto done = attempt(folder.write("bomb.jpg", bomb));
  EXPECT_STRNE(done.cause, "fine");
  EXPECT_LT(done.seconds, 3);
  EXPECT_LT(done.grown_mb, 256);
  // A photo of any camera has about ten passes, and is taken.
  const auto photo = encoded(test_picture(1500, 2000), ".jpg", {cv::IMWRITE_JPEG_PROGRESSIVE, 1});
  EXPECT_STREQ(attempt(folder.write("photo.jpg", photo), {Codec{PixelEncoding::raw}}).cause, "fine");
  EXPECT_FALSE(stream::is_too_much_work(12, 100'000'000, 5'000'000));
}

TEST(PictureFile, WhatPhonesAppendIsNoDamage) {
  const TempFolder folder;
  const std::vector<std::uint8_t> film(5 << 20, 0x55);
  for (const char* ending : {".jpg", ".png"})
    EXPECT_EQ(
        cause(folder.write(std::string("motion") + ending, test::joined(encoded(test_picture(60, 90), ending), film))),
        "fine")
        << ending;
}

TEST(PictureFile, ATiffCannotHideItsSize) {
  const TempFolder folder;
  const auto tiff = [](std::vector<std::array<std::uint32_t, 4>> tags) {  // tag, type, count, value
    std::vector<std::uint8_t> bytes = {'I', 'I', 42, 0, 8, 0, 0, 0, static_cast<std::uint8_t>(tags.size()), 0};
    for (const auto& [tag, type, count, value] : tags)
      for (const auto& [number, size] : {std::pair{tag, 2}, {type, 2}, {count, 4}, {value, 4}})
        for (int i = 0; i < size; ++i) bytes.push_back(static_cast<std::uint8_t>(number >> (8 * i)));
    bytes.resize(200);
    return bytes;
  };
  const auto huge = folder.write("huge.tif", tiff({{256, 4, 1, 0xFFFFFFFF}, {257, 4, 1, 0xFFFFFFFF}}));
  EXPECT_THAT(cause(huge, 1'000'000'000), HasSubstr("wider or higher"));
  const auto twice = folder.write("twice.tif", tiff({{256, 4, 1, 90'000}, {256, 4, 1, 8}, {257, 4, 1, 90'000}}));
  EXPECT_THAT(cause(twice, 1'000'000'000), HasSubstr("90000 x 90000"));
  const auto elsewhere = folder.write("elsewhere.tif", tiff({{256, 16, 1, 8}, {257, 4, 1, 90'000}}));
  EXPECT_THAT(cause(elsewhere, 1'000'000'000), HasSubstr("not a whole number"));
  const auto tile =
      folder.write("tile.tif", tiff({{256, 4, 1, 8}, {257, 4, 1, 8}, {322, 4, 1, 16'000}, {323, 4, 1, 16'000}}));
  EXPECT_THAT(attempt(tile).cause, HasSubstr("--memory"));
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
