#include "producer/sources/live_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "producer/sources/capture_device.h"

namespace ride::producer {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

// What the fake device does next; shared with the test, as the grabber lives on the capture thread.
struct Device {
  std::mutex mutex;
  std::condition_variable changed;
  int pictures = 0;  // may still be grabbed
  bool lost = false;
  bool hang = false;  // grab() does not return
  int grabbed = 0;
  int alive = 0;  // grabbers that exist
  int rows = 4;

  template <class Change>
  void set(Change change) {
    std::lock_guard lock(mutex);
    change(*this);
    changed.notify_all();
  }
  template <class Condition>
  bool wait(Condition condition) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(60), [&] { return condition(*this); });
  }
};

class FakeGrabber : public Grabber {
 public:
  explicit FakeGrabber(std::shared_ptr<Device> device) : device_(std::move(device)) {
    device_->set([](Device& d) { ++d.alive; });
  }
  ~FakeGrabber() override {
    device_->set([](Device& d) { --d.alive; });
  }
  Result<void> open() override { return {}; }
  Result<void> grab() override {
    std::unique_lock lock(device_->mutex);
    device_->changed.wait(lock, [&] { return !device_->hang && (device_->pictures > 0 || device_->lost); });
    if (device_->lost) return Error{ErrorCode::unavailable, "lost", true};
    --device_->pictures;
    ++device_->grabbed;
    device_->changed.notify_all();
    return {};
  }
  Result<cv::Mat> retrieve() override {
    std::lock_guard lock(device_->mutex);
    return cv::Mat(device_->rows, 4, CV_8U, cv::Scalar(device_->grabbed));
  }

 private:
  std::shared_ptr<Device> device_;
};

class LiveSourceTest : public testing::Test {
 protected:
  LiveSource make(LiveOptions options = {.shown = "cam"}) {
    return LiveSource(std::move(options), [device = device_] { return std::make_unique<FakeGrabber>(device); });
  }
  ~LiveSourceTest() override {
    // Whatever was left behind ends now: nothing outlives the test.
    device_->set([](Device& d) {
      d.hang = false;
      d.lost = true;
    });
    EXPECT_TRUE(device_->wait([](Device& d) { return d.alive == 0; }));
  }
  static Result<Pulled> pull(LiveSource& source) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (true) {
      auto pulled = source.next(milliseconds(50));
      if (!pulled || !std::holds_alternative<NothingYet>(*pulled)) return pulled;
      if (std::chrono::steady_clock::now() > deadline) return pulled;
    }
  }
  std::shared_ptr<Device> device_ = std::make_shared<Device>();
};

TEST_F(LiveSourceTest, GivesPicturesWithTheTimeOfTheirGrab) {
  auto source = make();
  const SystemTime before = system_now();
  ASSERT_TRUE(source.open(0).ok());
  EXPECT_TRUE(source.state().live);
  EXPECT_TRUE(std::holds_alternative<NothingYet>(source.next(milliseconds(1)).value()));
  device_->set([](Device& d) { d.pictures = 1; });
  auto pulled = pull(source);
  ASSERT_TRUE(pulled.ok());
  const auto& frame = std::get<CapturedFrame>(*pulled);
  EXPECT_GE(frame.captured_at, before);
  EXPECT_LE(frame.captured_at, system_now());
  EXPECT_EQ(frame.image.at<std::uint8_t>(0, 0), 1);
}

TEST_F(LiveSourceTest, TheOldestPictureGivesWayWhenNobodyPulls) {
  auto source = make({.shown = "cam", .queue_frames = 3});
  ASSERT_TRUE(source.open(0).ok());
  device_->set([](Device& d) { d.pictures = 10; });
  ASSERT_TRUE(device_->wait([&](Device& d) { return d.grabbed == 10; }));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (source.state().dropped < 7 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(source.state().dropped, 7);
  auto pulled = pull(source);
  EXPECT_EQ(std::get<CapturedFrame>(*pulled).number, 7);
  source.close();
  EXPECT_EQ(source.state().dropped, 7);  // over reopenings, too
}

TEST_F(LiveSourceTest, SaysThatTheDeviceWasLostAndOpensAgain) {
  auto source = make();
  ASSERT_TRUE(source.open(0).ok());
  device_->set([](Device& d) { d.lost = true; });
  auto lost = pull(source);
  ASSERT_FALSE(lost.ok());
  EXPECT_TRUE(lost.error().retriable);
  source.close();
  device_->set([](Device& d) {
    d.lost = false;
    d.pictures = 1;
  });
  ASSERT_TRUE(source.open(0).ok());
  EXPECT_TRUE(pull(source).ok());
}

TEST_F(LiveSourceTest, ADeviceThatHangsBlocksNobody) {
  device_->set([](Device& d) { d.hang = true; });
  {
    auto source = make({.shown = "cam", .patience = {milliseconds(100), milliseconds(100)}, .hang_margin = {}});
    ASSERT_TRUE(source.open(0).ok());
    auto hung = pull(source);
    ASSERT_FALSE(hung.ok());
    EXPECT_TRUE(hung.error().retriable);
    EXPECT_THAT(hung.error().message, HasSubstr("cam sent no picture for 100ms"));
    source.close();
    EXPECT_EQ(abandoned_captures(), 1);
    // A second capture starts while the first still hangs.
    ASSERT_TRUE(source.open(0).ok());
    ASSERT_TRUE(device_->wait([](Device& d) { return d.alive == 2; }));
  }
  device_->set([](Device& d) {
    d.hang = false;
    d.lost = true;
  });
  ASSERT_TRUE(device_->wait([](Device& d) { return d.alive == 0; }));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (abandoned_captures() > 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(abandoned_captures(), 0);
}

TEST_F(LiveSourceTest, PicturesAboveTheLimitEndTheSourceForGood) {
  device_->set([](Device& d) {
    d.rows = 100;
    d.pictures = 1;
  });
  auto source = make({.shown = "cam", .max_pixels = 399});
  ASSERT_TRUE(source.open(0).ok());
  auto refused = pull(source);
  ASSERT_FALSE(refused.ok());
  EXPECT_FALSE(refused.error().retriable);
  EXPECT_THAT(refused.error().message, HasSubstr("4 x 100 pixels, more than max_pixels (399)"));
}

TEST(DeviceGrabber, KnowsDevicesByIndexAndPath) {
  EXPECT_EQ(device_path("0"), "/dev/video0");
  EXPECT_EQ(device_path("12"), "/dev/video12");
  EXPECT_EQ(device_path("/dev/v4l/by-id/usb-cam"), "/dev/v4l/by-id/usb-cam");
  EXPECT_EQ(device_path("rtsp://host/x"), std::nullopt);
  EXPECT_EQ(device_path(""), std::nullopt);
}

TEST(DeviceGrabber, SaysThatACameraIsNotThereAndMayComeBack) {
  auto grabber = make_device_grabber("/dev/video987", "/dev/video987", 30);
  auto opened = grabber->open();
  ASSERT_FALSE(opened.ok());
  EXPECT_TRUE(opened.error().retriable);
  EXPECT_THAT(opened.error().message, HasSubstr("camera /dev/video987 is not there"));
}

}  // namespace
}  // namespace ride::producer
