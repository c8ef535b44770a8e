// Checks of the machine itself: GPU, cameras, video support, cores, memory, disk.
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <spdlog/fmt/fmt.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <opencv2/core/utility.hpp>
#include <sstream>
#include <thread>

#include "cli/doctor/checks.h"
#include "process/machine.h"

namespace ride::cli {
namespace fs = std::filesystem;
namespace {

constexpr double kGiB = 1 << 30;

// The driver's library, asked without linking it: the same binary serves machines without a GPU.
struct CudaDriver {
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  ~CudaDriver() {
    if (library != nullptr) dlclose(library);
  }
  template <class Function>
  Function find(const char* name) const {
    return reinterpret_cast<Function>(dlsym(library, name));
  }
};

Check gpu_of(const CudaDriver& driver) {
  const auto init = driver.find<int (*)(unsigned)>("cuInit");
  const auto count_devices = driver.find<int (*)(int*)>("cuDeviceGetCount");
  const auto name_of = driver.find<int (*)(char*, int, int)>("cuDeviceGetName");
  int count = 0;
  const int failed = init == nullptr || count_devices == nullptr ? -1 : init(0);
  if (failed != 0 || count_devices(&count) != 0 || count == 0) {
    return {"gpu", Finding::note,
            fmt::format("none that can be used (the driver's library is there, error {})", failed),
            "'device: gpu' groups get no worker here; cpu and prefer_gpu work. See what nvidia-smi says"};
  }
  std::string names;
  for (int i = 0; i < count; ++i) {
    char name[128] = "?";
    if (name_of != nullptr) name_of(name, sizeof name, i);
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  return {"gpu", Finding::good, names, ""};
}

std::string camera_name(const std::string& device) {
  const int descriptor = open(device.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return fmt::format("{} (cannot be opened: {})", device, std::strerror(errno));
  v4l2_capability facts{};
  const bool answered = ioctl(descriptor, VIDIOC_QUERYCAP, &facts) == 0;
  close(descriptor);
  const std::uint32_t can = facts.capabilities & V4L2_CAP_DEVICE_CAPS ? facts.device_caps : facts.capabilities;
  if (!answered || (can & (V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_VIDEO_CAPTURE_MPLANE)) == 0) return {};  // metadata node
  return fmt::format("{} ({})", device, reinterpret_cast<const char*>(facts.card));
}

// "    FFMPEG:                      YES" of OpenCV's build report.
bool built_with(const std::string& report, const std::string& part) {
  std::istringstream lines(report);
  std::string line;
  while (std::getline(lines, line)) {
    const auto at = line.find(part + ":");
    if (at != std::string::npos && line.find_first_not_of(' ') == at) return line.find("YES", at) != std::string::npos;
  }
  return false;
}

double gib(std::int64_t bytes) { return static_cast<double>(bytes) / kGiB; }

}  // namespace

Check check_gpu() {
  const CudaDriver driver;
  if (driver.library != nullptr) return gpu_of(driver);
  std::error_code failed;
  const bool device = fs::exists("/dev/nvidia0", failed);
  return {"gpu", Finding::note,
          device ? "an NVIDIA device, but its driver's library (libcuda.so.1) is not there" : "none",
          device ? "install the driver's user part (libcuda1)" : "not needed: every task runs on the CPU"};
}

Check check_cameras() {
  std::vector<std::string> devices, found;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator("/dev", failed)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("video") && name.find_first_of("0123456789") == 5) devices.push_back(entry.path().string());
  }
  std::sort(devices.begin(), devices.end());
  for (const auto& device : devices)
    if (auto name = camera_name(device); !name.empty()) found.push_back(std::move(name));
  if (found.empty()) {
    return {"cameras", Finding::note, "none at /dev/video*",
            "not needed: sources may be files, streams and synthetic scenes"};
  }
  return {"cameras", Finding::good, fmt::format("{}", fmt::join(found, ", ")), ""};
}

Check check_video() {
  const std::string& report = cv::getBuildInformation();
  const bool ffmpeg = built_with(report, "FFMPEG"), gstreamer = built_with(report, "GStreamer"),
             v4l = report.find("v4l/v4l2:") != std::string::npos;
  if (!ffmpeg && !gstreamer) {
    return {"video", Finding::bad, "this OpenCV can read neither video files nor streams",
            "install an OpenCV with FFmpeg, as Debian's libopencv-dev is"};
  }
  return {"video", Finding::good,
          fmt::format("OpenCV {} reads files and streams through {}{}", CV_VERSION, ffmpeg ? "FFmpeg" : "GStreamer",
                      v4l ? ", camera devices through V4L2" : ""),
          ""};
}

Check check_resources() {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  const double all = gib(process::machine_memory()), available = gib(process::available_memory());
  Check check{"resources", Finding::good,
              fmt::format("{} cores, {:.1f} GiB memory, {:.1f} GiB of it available, {} open files a process",
                          std::thread::hardware_concurrency(), all, available, files.rlim_cur),
              ""};
  if (available < 2) {
    check.finding = Finding::note;
    check.fix = "a broker and a few workers want 2 GiB: end other programs, or use a cluster elsewhere with --brokers";
  } else if (files.rlim_cur < 4096) {
    check.finding = Finding::note;
    check.fix = "a broker with many partitions opens more files: ulimit -n 65536";
  }
  return check;
}

Check check_disk(const std::string& folder) {
  std::error_code failed;
  fs::path path = fs::absolute(folder, failed);
  while (!fs::exists(path, failed) && path.has_relative_path()) path = path.parent_path();
  struct statvfs facts {};
  if (statvfs(path.c_str(), &facts) != 0)
    return {"disk", Finding::bad, fmt::format("{}: {}", path.string(), std::strerror(errno)),
            "name a folder with --state"};
  const double free_gib = static_cast<double>(facts.f_bavail) * static_cast<double>(facts.f_frsize) / kGiB;
  Check check{"disk", Finding::good, fmt::format("{:.1f} GiB free at {}", free_gib, path.string()), ""};
  if (access(path.c_str(), W_OK) != 0) {
    check = {"disk", Finding::bad, path.string() + " cannot be written", "name a folder of yours with --state"};
  } else if (free_gib < 5) {
    check.finding = free_gib < 0.5 ? Finding::bad : Finding::note;
    check.fix =
        "frames wait on this disk while they are processed: 30 raw frames of 900x900 a second are 24 MB/s. Free "
        "some of it, or keep the state elsewhere with --state";
  }
  return check;
}

}  // namespace ride::cli
