// SimSource: the pictures of a run's source: a live one that goes on without us, or so many items, of which some are no
// pictures; now and then it breaks and has to be opened again. Owner: one SourceRunner.
#pragma once

#include <functional>

#include "producer/source.h"
#include "stream/spec.h"
#include "tests/simulation/random.h"
#include "tests/simulation/scheduler.h"

namespace ride::simulation {

class SimSource final : public producer::Source {
 public:
  struct Config {
    const Scheduler& clock;
    const stream::SourceSpec& spec;
    std::int64_t first = 0;  // no item before it is given, whatever is asked for: the mutation
    std::function<void(std::int64_t number)> acknowledged;  // a picture
  };
  SimSource(Config config, Random random);

  Result<void> open(std::int64_t first) override;
  Result<producer::Pulled> next(std::chrono::milliseconds timeout) override;
  void close() override {}
  producer::SourceState state() const override;
  void acknowledged(std::int64_t number) override;

 private:
  // The same for every owner.
  bool is_broken(std::int64_t number) const { return config_.spec.finite && number % 23 == 7; }

  Config config_;
  Random random_;
  std::int64_t next_ = 0, total_ = -1;
  Time due_{0};  // live: the next picture
};

}  // namespace ride::simulation
