// EndWatch: asks the brokers every half second where the logs of the owned partitions end. What the consumer knows of
// it stands still while its queue is full, just when a stage lags (decision 0014). Threads: one inner thread; all
// methods may be called from any. Failure: what cannot be asked stays as it was.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "common/result.h"
#include "stream/ports.h"

namespace ride::worker {

class EndWatch {
 public:
  using Ends = std::map<stream::TopicPartition, Offset>;
  using Ask = std::function<Result<Ends>(const std::vector<stream::TopicPartition>&)>;

  // `owned` is called on the inner thread. No `ask`: nothing is asked.
  EndWatch(Ask ask, std::function<std::vector<stream::TopicPartition>()> owned);
  ~EndWatch();
  EndWatch(const EndWatch&) = delete;
  EndWatch& operator=(const EndWatch&) = delete;

  std::optional<Offset> end_of(const stream::TopicPartition& at) const;

 private:
  void loop();

  Ask ask_;
  std::function<std::vector<stream::TopicPartition>()> owned_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Ends ends_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace ride::worker
