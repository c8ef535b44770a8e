// FetchWake: when a consumer is to be woken, so that it fetches again. librdkafka 2.0.2 stops fetching when its queue
// holds queued.max.messages.kbytes, and looks at the queue again up to a second later, unless a request goes through
// the connection; so a queue of less than a second's records ran empty (its issues 2879 and 1377). Any question to the
// leaders wakes it. This decides when one is worth asking: when what is queued falls below three quarters of the limit
// after it had been above, and again at each half of that while nothing arrives. Pure. Threads: the reading one.
#pragma once

#include <cstdint>

namespace ride::stream {

class FetchWake {
 public:
  explicit FetchWake(std::int64_t limit_bytes) : low_(limit_bytes - limit_bytes / 4), next_(low_) {}

  // After a record of `bytes` was taken, `left` records are still queued. True: wake it now.
  bool took(std::int64_t bytes, std::int64_t left);

  std::int64_t mean_bytes() const { return mean_; }

 private:
  std::int64_t low_, next_;  // bytes
  std::int64_t mean_ = 0;    // of a record, of the last ones
  std::int64_t left_ = 0;
  bool filled_ = false;
};

}  // namespace ride::stream
