// StageChain: the stages of a test, run as workers run them, without Kafka and without threads: records are put
// together by the workers' SetAssembler, opened with its checks, taken through SetProcessor, and written with the
// codecs between the stages. Owner and thread: one. Failure: an Error ends the test; a frame that dies on the way is no
// failure, but its fate.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "stream/core/set_assembler.h"
#include "test_runner/chain_plan.h"
#include "topology/test_case.h"
#include "worker/buffer_pool.h"
#include "worker/core/tile_gather.h"
#include "worker/set_processor.h"
#include "worker/tasks/task_registry.h"

namespace ride::test_runner {

// What became of a frame that went in.
struct Fate {
  topology::TestOutcome outcome = topology::TestOutcome::filtered;
  std::string reason;  // dropped, dead
  std::string stage;   // dead: where
};

class StageChain {
 public:
  explicit StageChain(const ChainPlan& plan);
  ~StageChain();
  StageChain(const StageChain&) = delete;
  StageChain& operator=(const StageChain&) = delete;

  Result<void> open(const tasks::TaskRegistry& registry);
  // Takes the frame all the way. Its picture is `encoded` where it is set, else `image`.
  Result<void> put(const Frame& frame);
  // No frame follows: finish() of every task, in order.
  Result<void> end();

  std::int64_t frames_out() const { return frames_out_; }
  // Came out since the last one went in: of it, or (a task that holds frames back) of those before it.
  std::int64_t out_since_last_in() const { return frames_out_ - out_before_last_; }
  const std::optional<Frame>& last_out() const { return last_out_; }
  Fate fate_of(const FrameId& id) const;

 private:
  struct Link {
    stream::StageSpec stage;
    stream::SetAssembler assembler;
    std::int64_t next = 0;  // offset
    std::unique_ptr<tasks::Task> task;
    std::unique_ptr<worker::SetProcessor> processor;
    std::optional<worker::TileGather> gather;  // of a merge
  };

  Result<void> take(std::size_t link, const std::vector<stream::OutRecord>& records);
  Result<void> run_step(std::size_t link, const stream::AssemblyStep& step);
  Result<void> run(std::size_t link, const stream::AcceptedSet& set);
  Result<stream::OutRecord> adopted_record(const Frame& frame) const;
  Result<void> keep(const stream::OutRecord& record);

  const ChainPlan& plan_;
  const std::string feed_codec_;
  SystemTime now_{};
  FrameId last_in_;
  std::int64_t fed_ = 0;  // frames of what stands for a stage before the first
  worker::BufferPool pool_;
  std::vector<Link> links_;
  stream::SetAssembler kept_;
  std::int64_t next_kept_ = 0;
  std::int64_t frames_out_ = 0, out_before_last_ = 0;
  std::optional<Frame> last_out_;
  std::map<FrameId, Fate> fates_;
};

}  // namespace ride::test_runner
