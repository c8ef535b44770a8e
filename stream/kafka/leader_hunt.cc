#include "stream/kafka/leader_hunt.h"

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "common/guarded_thread.h"

namespace ride::kafka {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kHunt = 5s;  // a cluster elects within 1 to 2.5 s
constexpr auto kStep = 100ms;
constexpr auto kAnswer = 300ms;  // one that hangs is asked in vain; the next question goes to any other

class Hunt {
 public:
  explicit Hunt(rd_kafka_t* client)
      : client_(client), thread_([this](const std::stop_token& stop) {
          run_guarded(
              "the hunt for leaders", [&] { run(stop); }, end_process);
        }) {}

  void begin() {
    {
      const std::lock_guard lock(mutex_);
      until_ = Clock::now() + kHunt;
    }
    changed_.notify_all();
  }

 private:
  void run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      if (!changed_.wait(lock, stop, [this] { return Clock::now() < until_; })) return;
      lock.unlock();
      ask();
      lock.lock();
      changed_.wait_for(lock, stop, kStep, [] { return false; });
    }
  }

  // The answer itself is of no interest: the client takes the leaders from it on its way.
  void ask() {
    const rd_kafka_metadata_t* metadata = nullptr;
    if (rd_kafka_metadata(client_, 0, nullptr, &metadata, static_cast<int>(kAnswer / 1ms)) ==
        RD_KAFKA_RESP_ERR_NO_ERROR)
      rd_kafka_metadata_destroy(metadata);
  }

  rd_kafka_t* client_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  Clock::time_point until_{};
  std::jthread thread_;  // last: it uses all others
};

struct Hunts {
  std::mutex mutex;
  std::map<rd_kafka_t*, std::unique_ptr<Hunt>> by_client;
};

// Never destroyed: clients may outlive any static object.
Hunts& hunts() {
  static auto* all = new Hunts();
  return *all;
}

bool is_away(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR__TRANSPORT || error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
         error == RD_KAFKA_RESP_ERR__TIMED_OUT || error == RD_KAFKA_RESP_ERR__RESOLVE;
}

}  // namespace

void hunt_for_leaders(rd_kafka_t* client, rd_kafka_resp_err_t error) {
  if (!is_away(error)) return;
  const std::lock_guard lock(hunts().mutex);
  auto& hunt = hunts().by_client[client];
  if (!hunt) hunt = std::make_unique<Hunt>(client);
  hunt->begin();
}

void end_hunt(rd_kafka_t* client) {
  std::unique_ptr<Hunt> ended;  // outside the lock: it waits for its thread
  const std::lock_guard lock(hunts().mutex);
  const auto found = hunts().by_client.find(client);
  if (found == hunts().by_client.end()) return;
  ended = std::move(found->second);
  hunts().by_client.erase(found);
}

}  // namespace ride::kafka
