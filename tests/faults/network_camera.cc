#include "tests/faults/network_camera.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <opencv2/imgcodecs.hpp>

namespace ride::test {

namespace {

using namespace std::chrono_literals;

bool send_all(int to, const std::string& bytes) {
  for (std::size_t sent = 0; sent < bytes.size();) {
    const auto count = ::send(to, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return false;
    sent += static_cast<std::size_t>(count);
  }
  return true;
}

std::string picture(int number) {
  const cv::Mat image(120, 160, CV_8UC3, cv::Scalar(number % 256, 90, 60));
  std::vector<unsigned char> jpeg;
  cv::imencode(".jpg", image, jpeg);
  return "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: " + std::to_string(jpeg.size()) + "\r\n\r\n" +
         std::string(jpeg.begin(), jpeg.end()) + "\r\n";
}

}  // namespace

NetworkCamera::NetworkCamera(std::chrono::milliseconds answers_after)
    : answers_after_(answers_after), thread_([this] { accept_viewers(); }) {}

NetworkCamera::~NetworkCamera() {
  stopping_ = true;
  thread_.join();
}

std::string NetworkCamera::url() const {
  return "http://127.0.0.1:" + std::to_string(listener_.port()) + "/stream.mjpg";
}

void NetworkCamera::accept_viewers() {
  std::vector<std::thread> viewers;
  while (!stopping_) {
    pollfd watched{listener_.socket(), POLLIN, 0};
    if (::poll(&watched, 1, 50) <= 0) continue;
    const int viewer = listener_.accept();
    if (viewer >= 0) viewers.emplace_back([this, viewer] { serve(viewer); });
  }
  for (auto& viewer : viewers) viewer.join();
}

void NetworkCamera::serve(int viewer) const {
  char request[4096];
  const bool asked = ::recv(viewer, request, sizeof request, 0) > 0;
  for (const auto at = std::chrono::steady_clock::now() + answers_after_;
       !stopping_ && std::chrono::steady_clock::now() < at;)
    std::this_thread::sleep_for(10ms);
  bool open =
      asked && send_all(viewer, "HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=frame\r\n\r\n");
  for (int number = 0; open && !stopping_; ++number) {
    open = send_all(viewer, picture(number));
    std::this_thread::sleep_for(50ms);  // its rate
  }
  ::close(viewer);
}

}  // namespace ride::test
