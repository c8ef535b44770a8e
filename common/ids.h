// Strong ids: two different kinds never convert into each other or compare, so swapping arguments does not compile.
// Values; free to copy between threads.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>

namespace ride {

template <class Tag, class Value>
struct StrongId {
  Value value{};

  auto operator<=>(const StrongId&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const StrongId& id) { return out << id.value; }
};

using PartitionId = StrongId<struct PartitionTag, std::int32_t>;  // index of a partition in its topic, from 0
using Offset = StrongId<struct OffsetTag, std::int64_t>;          // Kafka offset of a record in its partition
using Epoch = StrongId<struct EpochTag, std::int64_t>;            // rises with every change of a partition's owner
using RunNumber = StrongId<struct RunTag, std::int64_t>;          // rises with every submit of a job
using SessionId = StrongId<struct SessionTag, std::int64_t>;      // one stretch of a source, given by the master
using WorkerId = StrongId<struct WorkerTag, std::string>;         // incarnation of a worker, producer or agent:
                                                                  // "<name>#<random>", new at every process start
using JobName = StrongId<struct JobTag, std::string>;
using StageName = StrongId<struct StageTag, std::string>;
using NodeName = StrongId<struct NodeTag, std::string>;

}  // namespace ride

template <class Tag, class Value>
struct std::hash<ride::StrongId<Tag, Value>> {
  std::size_t operator()(const ride::StrongId<Tag, Value>& id) const { return std::hash<Value>{}(id.value); }
};
