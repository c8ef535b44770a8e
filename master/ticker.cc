#include "master/ticker.h"

#include "common/guarded_thread.h"
#include "common/log.h"

namespace ride::master {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

void Ticker::start(std::unique_ptr<stream::ControlWriter> writer) {
  writer_ = std::move(writer);
  thread_ = guarded_thread("the ticker", [this] { run(); });
}

void Ticker::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void Ticker::run() {
  auto next = steady_clock::now();
  for (std::int64_t number = 1; !stopping_;) {
    std::this_thread::sleep_until(std::min(next, steady_clock::now() + milliseconds(100)));
    const auto now = steady_clock::now();
    if (now < next || stopping_) continue;
    next = std::max(next + config_.interval(), now);  // a late tick is not made up for
    const auto tick = config_.tick(number);
    if (!tick) continue;
    ++number;
    send(*tick);
  }
}

void Ticker::send(const stream::Report& tick) {
  const auto record = stream::encode(tick);
  auto sent = writer_->append(record, milliseconds(1000));
  acknowledged_ = sent.ok();
  if (sent.ok()) return said_.clear();
  if (sent.error().code == ErrorCode::permission) {
    stopping_ = true;
    return config_.refused(sent.error());
  }
  if (sent.error().message != said_) log_warning("a tick waits for Kafka: {}", sent.error().message);
  said_ = sent.error().message;
  Result<void> settled = sent.error();
  while (!settled.ok() && settled.error().retriable && !stopping_) settled = writer_->settle(milliseconds(200));
  while (!settled.ok() && !stopping_) {  // this producer is done for
    auto fresh = config_.open();
    if (fresh.ok()) {
      writer_ = std::move(fresh).value();
      return;
    }
    std::this_thread::sleep_for(milliseconds(200));
  }
}

}  // namespace ride::master
