// A real network camera: ffmpeg serves a video over HTTP on this machine, is stopped and started again.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <opencv2/videoio.hpp>

#include "producer/core/gap_tracker.h"
#include "producer/sources/capture_stream.h"
#include "producer/sources/ffmpeg_setup.h"
#include "test_files.h"

namespace ride::producer {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;
using testing::AllOf;
using testing::HasSubstr;

int free_port() {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0) throw std::runtime_error("no free port");
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(listener);
  return ntohs(address.sin_port);
}

// A server that ends with the test, also when the test is killed.
class StreamServer {
 public:
  StreamServer(const std::string& video, const std::string& url) {
    process_ = ::fork();
    if (process_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int nowhere = ::open("/dev/null", O_RDWR);
    for (const int stream : {0, 1, 2}) ::dup2(nowhere, stream);
    ::execlp("ffmpeg", "ffmpeg", "-loglevel", "quiet", "-re", "-stream_loop", "-1", "-i", video.c_str(), "-c:v",
             "mpeg4", "-q:v", "3", "-g", "15", "-f", "mpegts", "-listen", "1", url.c_str(), nullptr);
    ::_exit(127);
  }
  ~StreamServer() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  StreamServer(const StreamServer&) = delete;
  StreamServer& operator=(const StreamServer&) = delete;

 private:
  pid_t process_;
};

std::string street_video(const TempFolder& folder) {
  const std::string path = folder / "street.avi";
  cv::VideoWriter writer(path, cv::VideoWriter::fourcc('M', 'J', 'P', 'G'), 30, {320, 240});
  for (int i = 0; i < 90; ++i) {
    cv::Mat image(240, 320, CV_8UC3, cv::Scalar(60, 90, 120));
    cv::rectangle(image, {(i * 3) % 280, 100, 40, 60}, cv::Scalar(200, 200, 20), cv::FILLED);
    writer.write(image);
  }
  return path;
}

// The loop of a runner: opens again `retry` after each loss, until a frame came or the deadline passed.
std::optional<CapturedFrame> next_frame(LiveSource& source, GapTracker& gaps, std::string& last_error,
                                        Clock::time_point deadline) {
  while (Clock::now() < deadline) {
    auto pulled = source.next(milliseconds(20));
    if (!pulled) {
      last_error = pulled.error().message;
      EXPECT_TRUE(pulled.error().retriable) << last_error;
      gaps.lost();
      source.close();
      std::this_thread::sleep_for(milliseconds(300));  // what is tested is that this pause is enough
      EXPECT_TRUE(source.open(0).ok());
    } else if (auto* frame = std::get_if<CapturedFrame>(&*pulled)) {
      return std::move(*frame);
    }
  }
  return std::nullopt;
}

TEST(NetworkStream, GoesOnWithinTwoSecondsOfTheCamerasReturnAndTheGapIsMeasured) {
  prepare_video_capture();
  const TempFolder folder;
  const std::string video = street_video(folder);
  const std::string url = "http://127.0.0.1:" + std::to_string(free_port());
  LiveSource source({.shown = url}, [url] { return make_stream_grabber({.url = url, .shown = url}); });
  GapTracker gaps;
  std::string error;
  ASSERT_TRUE(source.open(0).ok());

  auto server = std::make_unique<StreamServer>(video, url);
  ASSERT_TRUE(next_frame(source, gaps, error, Clock::now() + seconds(20))) << error;
  int frames = 0;
  const auto counting = Clock::now();
  for (; frames < 60; ++frames) {
    auto frame = next_frame(source, gaps, error, Clock::now() + seconds(5));
    ASSERT_TRUE(frame) << error;
    ASSERT_EQ(frame->image.size(), cv::Size(320, 240));
    gaps.frame(frame->captured_at);
  }
  const double fps = frames / std::chrono::duration<double>(Clock::now() - counting).count();
  EXPECT_GT(fps, 20) << "of 30";

  server.reset();  // the camera goes
  const SystemTime gone_at = system_now();
  const auto away_until = Clock::now() + seconds(3);
  while (Clock::now() < away_until) {
    if (auto late = next_frame(source, gaps, error, away_until)) gaps.frame(late->captured_at);
  }
  EXPECT_FALSE(error.empty()) << "the loss was noticed";

  server = std::make_unique<StreamServer>(video, url);  // and comes back
  const auto back_at = Clock::now();
  const auto frame = next_frame(source, gaps, error, back_at + seconds(10));
  ASSERT_TRUE(frame) << error;
  EXPECT_LT(Clock::now() - back_at, seconds(2));
  const auto gap = gaps.frame(frame->captured_at);
  ASSERT_TRUE(gap);
  EXPECT_NEAR(std::chrono::duration<double>(*gap).count(),
              std::chrono::duration<double>(frame->captured_at - gone_at).count(), 0.5);
  EXPECT_EQ(gaps.gaps(), 1);
}

std::string open_error(const std::string& url, const std::string& shown) {
  prepare_video_capture();
  auto opened = make_stream_grabber({.url = url, .shown = shown})->open();
  EXPECT_FALSE(opened.ok());
  return opened.ok() ? "" : opened.error().message;
}

TEST(NetworkStream, SaysThatAConnectionIsRefused) {
  const std::string url = "rtsp://127.0.0.1:" + std::to_string(free_port()) + "/cam";
  EXPECT_THAT(open_error(url, url),
              AllOf(HasSubstr(url), HasSubstr("onnection refused"), HasSubstr("is the camera on")));
}

TEST(NetworkStream, SaysThatAHostIsUnknown) {
  const std::string message = open_error("rtsp://no-such-host.invalid/cam", "rtsp://no-such-host.invalid/cam");
  EXPECT_THAT(message, HasSubstr("no-such-host.invalid"));
  EXPECT_THAT(message, HasSubstr("resolve"));
}

TEST(NetworkStream, NeverShowsCredentials) {
  const std::string port = std::to_string(free_port());
  const std::string message = open_error("rtsp://guard:tops3cret@127.0.0.1:" + port + "/cam?token=hunter2",
                                         "rtsp://${USER}:${PASS}@127.0.0.1:" + port + "/cam?token=${TOKEN}");
  EXPECT_THAT(message, testing::Not(HasSubstr("tops3cret")));
  EXPECT_THAT(message, testing::Not(HasSubstr("hunter2")));
  EXPECT_THAT(message, testing::Not(HasSubstr("guard")));
}

// Accepts connections and says nothing: what a hung camera does.
TEST(NetworkStream, GivesUpOnACameraThatAcceptsAndStaysSilent) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 5), 0);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  const auto begun = Clock::now();
  const std::string url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/cam";
  EXPECT_THAT(open_error(url, url), HasSubstr("no answer within 1.5s"));
  EXPECT_LT(Clock::now() - begun, seconds(4));
  ::close(listener);
}

}  // namespace
}  // namespace ride::producer
