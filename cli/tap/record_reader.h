// Reads some records of a topic without leaving a trace: no commit, no group member. Owner: one thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "stream/core/frame_record.h"
#include "stream/core/set_assembler.h"
#include "stream/kafka/client_config.h"
#include "stream/ports.h"

namespace ride::cli {

enum class TapFrom { last, beginning, end, offset };

struct TapRequest {
  std::string topic;
  std::optional<PartitionId> partition;       // nothing: all
  TapFrom from = TapFrom::last;               // last: the newest that are there; end: those that come
  Offset offset{};                            // of TapFrom::offset
  int count = 1;                              // 0: until stopped
  std::chrono::milliseconds timeout{10'000};  // without a record
};

class TapReader {
 public:
  static Result<std::unique_ptr<TapReader>> open(const kafka::ClientConfig& config);
  virtual ~TapReader() = default;

  virtual Result<std::vector<std::string>> topics() = 0;
  // A topic that is not in the list may be there, and not for us: what the cluster says to that; nothing where it is
  // not that.
  virtual std::optional<Error> refusal(const std::string& topic) = 0;
  // Calls `on_record` for each record; ends when all were taken, when `stopped` says so, or with timeout. `on_record`
  // returns false to end early.
  virtual Result<int> read(const TapRequest& request, const std::function<bool(const stream::Record&)>& on_record,
                           const std::function<bool()>& stopped) = 0;
  // The whole picture that a record is a chunk of; reads its neighbours. not_found: they are gone, or not yet there.
  virtual Result<stream::WholeFrame> join_chunks(const stream::Record& record, const stream::RecordHeader& header) = 0;
};

}  // namespace ride::cli
