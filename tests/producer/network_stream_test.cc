// A real network camera: ffmpeg serves a video over HTTP on this machine, is stopped and started again.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <opencv2/videoio.hpp>

#include "memory_access.h"
#include "process/free_port.h"
#include "producer/source_runner.h"
#include "producer/sources/capture_stream.h"
#include "producer/sources/ffmpeg_setup.h"
#include "test_files.h"
#include "tests/faults/network_camera.h"
#include "tests/support/loopback_listener.h"

namespace ride::producer {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;
using testing::AllOf;
using testing::HasSubstr;

int free_port() { return process::free_ports("127.0.0.1", 1).value().front(); }

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

// The runner as it is in ride-producer, against the in-memory log.
class CameraRun {
 public:
  explicit CameraRun(const std::string& url, ParamValues params = {}) {
    prepare_video_capture();
    (void)log->admin()->create({.name = "frames", .partitions = 2});
    job_->job = JobName{"job"};
    job_->run = RunNumber{1};
    job_->sources = {{.name = "gate",
                      .kind = "camera",
                      .uri = url,
                      .drop_when_late = true,
                      .params = std::move(params),
                      .outputs = {{.to = "stage", .topic = "frames", .partitions = 2}}}};
    runner.emplace(Assignment{.job = job_, .session = SessionId{1}}, "gate",
                   RunnerServices{.log = access_,
                                  .budget = budget_,
                                  .incarnation = "p#1",
                                  .environment = environment_of({}),
                                  .notify =
                                      [this](stream::Severity, const std::string& code, const std::string& text, bool) {
                                        const std::lock_guard lock(mutex_);
                                        notices_.push_back(code + ": " + text);
                                      },
                                  .changed = [] {}});
  }
  std::vector<std::string> notices() {
    const std::lock_guard lock(mutex_);
    return notices_;
  }

  std::shared_ptr<stream::MemoryLog> log = stream::MemoryLog::make();

 private:
  MemoryAccess access_{log};
  SharedBudget budget_{64 << 20};
  std::shared_ptr<stream::JobSpec> job_ = std::make_shared<stream::JobSpec>();
  std::mutex mutex_;
  std::vector<std::string> notices_;

 public:
  std::optional<SourceRunner> runner;  // ends before what it uses
};

TEST(NetworkStream, GoesOnWithinTwoSecondsOfTheCamerasReturnAndTheGapIsReported) {
  const TempFolder folder;
  const std::string video = street_video(folder);
  const std::string url = "http://127.0.0.1:" + std::to_string(free_port());
  CameraRun run(url);
  SourceRunner& runner = *run.runner;
  stream::MemoryLog* const log = run.log.get();

  auto server = std::make_unique<StreamServer>(video, url);
  ASSERT_TRUE(eventually([&] { return runner.progress().frames >= 30; })) << runner.progress().error;
  const auto counting = Clock::now();
  const std::int64_t before = runner.progress().frames;
  ASSERT_TRUE(eventually([&] { return runner.progress().frames >= before + 60; }));
  EXPECT_GT(60 / std::chrono::duration<double>(Clock::now() - counting).count(), 20) << "of 30 frames per second";
  EXPECT_EQ(runner.progress().gaps, 0);

  server.reset();  // the camera goes
  const auto gone_at = Clock::now();
  ASSERT_TRUE(eventually([&] { return !runner.progress().connected; }));
  EXPECT_LT(Clock::now() - gone_at, seconds(3)) << "a loss is noticed";
  EXPECT_FALSE(runner.progress().error.empty());
  std::this_thread::sleep_until(gone_at + seconds(3));

  server = std::make_unique<StreamServer>(video, url);  // and comes back
  const auto back_at = Clock::now();
  ASSERT_TRUE(eventually([&] { return runner.progress().connected; })) << runner.progress().error;
  EXPECT_LT(Clock::now() - back_at, seconds(2));
  const auto progress = runner.progress();
  EXPECT_EQ(progress.gaps, 1);
  EXPECT_GT(progress.longest_gap_ms, 1000);
  EXPECT_LT(progress.longest_gap_ms, 5500);
  EXPECT_EQ(progress.error, "");
  const auto notices = run.notices();
  ASSERT_GE(notices.size(), 2u);
  EXPECT_THAT(notices.back(), HasSubstr("camera_gap: source gate is back after a gap of "));
  runner.set_mode(SourceMode::drain);
  ASSERT_TRUE(eventually([&] { return runner.progress().ended; }));
  const Taken all = read_topic(*log, "frames", 2, "gate");
  EXPECT_EQ(static_cast<std::int64_t>(all.pictures.size()), runner.progress().frames);
  EXPECT_EQ(all.pictures.rbegin()->first, runner.progress().frames - 1) << "numbers have no holes";
  EXPECT_EQ(all.frames.at(0).header.content_type, "image/jpeg");
}

// Cameras that sleep, and gateways in front of many, take seconds.
TEST(NetworkStream, ACameraThatAnswersAfterThreeSecondsIsRead) {
  const test::NetworkCamera camera(seconds(3));
  CameraRun run(camera.url());
  EXPECT_TRUE(eventually([&] { return run.runner->progress().frames >= 5; })) << run.runner->progress().error;
  EXPECT_THAT(run.notices(), testing::IsEmpty()) << "slow is not lost";
}

TEST(NetworkStream, ConnectTimeoutSaysHowLongAnAnswerMayTake) {
  const test::NetworkCamera camera(seconds(30));
  const auto begun = Clock::now();
  CameraRun run(camera.url(), {{"connect_timeout_ms", std::int64_t{500}}});
  ASSERT_TRUE(eventually([&] { return !run.runner->progress().error.empty(); }));
  EXPECT_LT(Clock::now() - begun, seconds(3));
  EXPECT_THAT(run.runner->progress().error, AllOf(HasSubstr("no answer within 500ms"), HasSubstr("connect_timeout")));
}

TEST(NetworkStream, AStopDoesNotWaitForAConnection) {
  const test::LoopbackListener silent;
  CameraRun run("http://127.0.0.1:" + std::to_string(silent.port()) + "/cam",
                {{"connect_timeout_ms", std::int64_t{8000}}});
  ::close(silent.accept());  // one of its attempts has begun; the next is under way
  ASSERT_TRUE(eventually([&] { return !run.runner->progress().error.empty(); }));
  const int held = silent.accept();
  const auto begun = Clock::now();
  run.runner.reset();
  EXPECT_LT(Clock::now() - begun, seconds(2));
  ::close(held);  // what was left behind ends with the test
  EXPECT_TRUE(eventually([] { return abandoned_captures() == 0; }));
}

std::string open_error(const std::string& url, const std::string& shown, Patience patience = {}) {
  prepare_video_capture();
  auto opened = make_stream_grabber({.url = url, .shown = shown, .patience = patience})->open();
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
  const test::LoopbackListener listener;
  const auto begun = Clock::now();
  const std::string url = "http://127.0.0.1:" + std::to_string(listener.port()) + "/cam";
  EXPECT_THAT(open_error(url, url, {.connect = milliseconds(1500)}), HasSubstr("no answer within 1.5s"));
  EXPECT_LT(Clock::now() - begun, seconds(4));
}

}  // namespace
}  // namespace ride::producer
