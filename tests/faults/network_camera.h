// A network camera on this machine: pictures without end as multipart JPEG over HTTP, to any number of viewers, one
// after the other or at once. Owner: the object; its destructor ends it. Threads: its own.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/loopback_listener.h"

namespace ride::test {

class NetworkCamera {
 public:
  // `answers_after`: how long a viewer waits for its first byte.
  explicit NetworkCamera(std::chrono::milliseconds answers_after = {});
  ~NetworkCamera();
  NetworkCamera(const NetworkCamera&) = delete;
  NetworkCamera& operator=(const NetworkCamera&) = delete;

  std::string url() const;

 private:
  void accept_viewers();
  void serve(int viewer) const;

  const std::chrono::milliseconds answers_after_;
  LoopbackListener listener_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace ride::test
