// The delivery rules (decision 0002) under random faults: several stages of different partition
// counts, built from the real SetAssembler, AckWindow and sets over a toy log. Incarnations crash in the middle of a
// write, live on as zombies, and commit late. Whatever happens, each source frame has exactly one outcome at the end.
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <random>

#include "stream/core/set.h"
#include "worker/core/ack_window.h"

namespace ride {
namespace {

using stream::AcceptedSet;
using stream::Headers;
using stream::OutRecord;
using stream::RecordKind;

struct LoggedRecord {
  Headers headers;
  std::vector<std::uint8_t> value;
};
using Partition = std::vector<LoggedRecord>;
using Topic = std::vector<Partition>;

// A rule that is broken on purpose: the check must notice.
enum class Break { none, watermark_of_read_position, unordered_writes, no_finished_list, commit_past_unacked };

struct StageModel {
  std::string name;
  std::vector<stream::UpstreamSpec> upstreams;
  Topic* in;
  Topic* out;
  std::map<int, std::pair<Offset, stream::CommitMetadata>> commits;
  int refused = 0;  // sets of honest writers that a reader took for damaged ones
};

class Incarnation {
 public:
  Incarnation(StageModel& stage, int partition, int number, Break broken)
      : stage_(stage),
        partition_(partition),
        number_(number),
        broken_(broken),
        assembler_(config(), stage.commits[partition].second),
        window_(stage.commits[partition].first, stage.commits[partition].second),
        next_(stage.commits[partition].first) {}

  bool read(std::mt19937& random) {
    const auto& log = (*stage_.in)[static_cast<std::size_t>(partition_)];
    if (next_.value >= static_cast<std::int64_t>(log.size())) return false;
    const auto& record = log[static_cast<std::size_t>(next_.value)];
    auto step = assembler_.add(next_, SystemTime{}, record.headers, {record.value, nullptr});
    auto accepted = step.accepted;
    if (step.problem) ++stage_.refused;
    window_.read(next_, step);
    if (accepted) {
      taken_.raise(accepted->upstream, accepted->key);
      process(*accepted, random);
    }
    next_ = Offset{next_.value + 1};
    return true;
  }

  bool write(std::mt19937& random) {
    std::vector<int> full;
    for (auto& [to, queue] : queues_)
      if (!queue.empty()) full.push_back(to);
    if (full.empty()) return false;
    const int to = full[random() % full.size()];
    auto& queue = queues_[to];
    const std::size_t index = broken_ == Break::unordered_writes && queue.size() > 1 && random() % 4 == 0 ? 1 : 0;
    auto [record, released_by] = queue[index];
    queue.erase(queue.begin() + static_cast<std::ptrdiff_t>(index));
    (*stage_.out)[static_cast<std::size_t>(to)].push_back(record);
    if (--left_[released_by] == 0) window_.ack(released_by, worker::Counted::acked);
    return true;
  }

  std::pair<Offset, stream::CommitMetadata> commit() const {
    auto metadata = window_.metadata();
    auto offset = window_.committable();
    if (broken_ == Break::watermark_of_read_position)
      for (const auto& [upstream, key] : taken_.all()) metadata.watermarks.raise(upstream, key);
    if (broken_ == Break::no_finished_list) metadata.finished.clear();
    if (broken_ == Break::commit_past_unacked) offset = window_.position();
    // Through the packed form, as Kafka keeps it.
    return {offset, stream::unpack_commit_metadata(stream::pack(metadata)).value()};
  }

  int number() const { return number_; }

 private:
  stream::SetAssembler::Config config() const {
    return {{stage_.name, PartitionId{partition_}}, "job", stage_.upstreams, {}};
  }

  // None, one or two pictures, some of them in chunks; how many may differ from one incarnation to the next.
  void process(const AcceptedSet& set, std::mt19937& random) {
    const auto origin =
        stream::Origin{{stage_.name, PartitionId{partition_}}, {set.released_by.value, 0}, RunNumber{1}};
    const stream::SetIdentity who{"job", stage_.name, "w" + std::to_string(number_), origin};
    const auto outputs = static_cast<int>((static_cast<unsigned>(set.header.id.number) * 2654435761U >> 7) % 3);
    const int count = outputs > 1 && random() % 4 == 0 ? outputs - 1 : outputs;
    std::vector<OutRecord> records;
    if (count == 0 || set.kind == RecordKind::outcome) {
      records = make_outcome_set(who, set.header, stream::Outcome::filtered, "");
    } else {
      std::vector<stream::SetFrame> frames;
      for (int i = 0; i < count; ++i) {
        stream::RecordHeader header;
        header.id = set.header.id;
        frames.push_back({header, {bytes_of(set.header.id.number), nullptr}});
      }
      records = make_frame_set(who, std::move(frames), {.whole_bytes = 6, .chunk_bytes = 4});
    }
    const auto to = home_partition(set.header.id, stream::PartitionBy::frame, static_cast<int>(stage_.out->size()));
    left_[set.released_by] = records.size();
    for (const auto& record : records)
      queues_[to.value].push_back(
          {LoggedRecord{record.headers, {record.value.begin(), record.value.end()}}, set.released_by});
  }

  // 3 bytes: one record; 10 bytes: three chunks.
  static std::span<const std::uint8_t> bytes_of(std::int64_t number) {
    static const std::vector<std::uint8_t> bytes(10, 7);
    return std::span(bytes).first(number % 2 == 0 ? 10 : 3);
  }

  StageModel& stage_;
  int partition_, number_;
  Break broken_;
  stream::SetAssembler assembler_;
  worker::AckWindow window_;
  Offset next_;
  stream::Watermarks taken_;
  std::map<int, std::vector<std::pair<LoggedRecord, Offset>>> queues_;
  std::map<Offset, std::size_t> left_;
};

class World {
 public:
  World(unsigned seed, Break broken) : random_(seed), broken_(broken) {
    const int stages = 3;
    const int frames = 5 + static_cast<int>(random_() % 26);
    std::vector<int> partitions;
    for (int i = 0; i <= stages; ++i) partitions.push_back(1 + static_cast<int>(random_() % 4));
    topics_.resize(static_cast<std::size_t>(stages) + 1);
    for (int i = 0; i <= stages; ++i)
      topics_[static_cast<std::size_t>(i)].resize(static_cast<std::size_t>(partitions[static_cast<std::size_t>(i)]));
    write_source(frames);
    for (int i = 0; i < stages; ++i) {
      StageModel stage{"s" + std::to_string(i),
                       {},
                       &topics_[static_cast<std::size_t>(i)],
                       &topics_[static_cast<std::size_t>(i) + 1],
                       {}};
      stage.upstreams = {
          i == 0 ? stream::UpstreamSpec{"cam", 1, true}
                 : stream::UpstreamSpec{"s" + std::to_string(i - 1), partitions[static_cast<std::size_t>(i) - 1]}};
      stages_.push_back(std::move(stage));
    }
    for (auto& stage : stages_)
      for (int p = 0; p < static_cast<int>(stage.in->size()); ++p) start(stage, p);
  }

  // Empty when each frame has exactly one outcome at the end; else what is wrong.
  std::string run() {
    for (int step = 0; step < 2000; ++step) act(step);
    finish();
    return check();
  }

 private:
  struct Place {
    StageModel* stage;
    int partition;
    std::deque<std::unique_ptr<Incarnation>> live;  // the last one is the owner
  };

  void write_source(int frames) {
    for (int n = 0; n < frames; ++n) {
      stream::RecordHeader header;
      header.id = {"cam", SessionId{1}, n};
      static const std::vector<std::uint8_t> bytes(3, 1);
      std::vector<stream::SetFrame> one;
      one.push_back({header, {bytes, nullptr}});
      const stream::SetIdentity who{"job", "cam", "p", {{"cam", PartitionId{0}}, {1, n}, RunNumber{1}}};
      for (auto& record : make_frame_set(who, std::move(one), {})) {
        const auto to = home_partition(header.id, stream::PartitionBy::frame, static_cast<int>(topics_[0].size()));
        topics_[0][static_cast<std::size_t>(to.value)].push_back(
            {record.headers, {record.value.begin(), record.value.end()}});
      }
      sent_.push_back(n);
    }
  }

  void start(StageModel& stage, int partition) {
    places_.push_back({&stage, partition, {}});
    places_.back().live.push_back(std::make_unique<Incarnation>(stage, partition, counter_++, broken_));
  }

  void act(int step) {
    auto& place = places_[random_() % places_.size()];
    auto& one = *place.live[random_() % place.live.size()];
    const auto dice = random_() % 100;
    if (dice < 40) {
      one.read(random_);
    } else if (dice < 85) {
      one.write(random_);
    } else if (dice < 93) {
      place.stage->commits[place.partition] = one.commit();
    } else if (dice < 95) {
      late_.push_back({&place, one.commit()});
    } else if (dice < 97 && !late_.empty()) {
      const auto index = random_() % late_.size();
      auto [where, commit] = late_[index];
      late_.erase(late_.begin() + static_cast<std::ptrdiff_t>(index));
      where->stage->commits[where->partition] = commit;
    } else if (dice < 98 && step < 1500) {  // takeover: the old one lives on as a zombie
      place.live.push_back(std::make_unique<Incarnation>(*place.stage, place.partition, counter_++, broken_));
    } else if (dice < 99 && place.live.size() > 1) {  // a zombie dies in the middle of a write
      place.live.erase(place.live.begin() + static_cast<std::ptrdiff_t>(random_() % (place.live.size() - 1)));
    } else if (step < 1500) {  // the owner dies
      place.live.pop_back();
      place.live.push_back(std::make_unique<Incarnation>(*place.stage, place.partition, counter_++, broken_));
    }
  }

  // Faults stop; new owners finish, stage by stage.
  void finish() {
    for (auto& place : places_) {
      if (random_() % 2 == 0)
        place.live.push_back(std::make_unique<Incarnation>(*place.stage, place.partition, counter_++, broken_));
      auto& owner = *place.live.back();
      bool busy = true;
      while (busy) {
        busy = owner.read(random_);
        while (owner.write(random_)) busy = true;
      }
    }
  }

  std::string check() {
    const auto& last = topics_.back();
    std::map<std::int64_t, int> outcomes;
    for (std::size_t p = 0; p < last.size(); ++p) {
      stream::SetAssembler reader({{"last", PartitionId{static_cast<std::int32_t>(p)}}, "job", {}, {}}, {});
      for (std::size_t i = 0; i < last[p].size(); ++i) {
        auto step = reader.add(Offset{static_cast<std::int64_t>(i)}, SystemTime{}, last[p][i].headers,
                               {last[p][i].value, nullptr});
        if (step.accepted) ++outcomes[step.accepted->header.id.number];
      }
    }
    std::string problems;
    for (const auto n : sent_)
      if (outcomes[n] != 1)
        problems += " frame " + std::to_string(n) + ": " + std::to_string(outcomes[n]) + " outcomes;";
    // Its frame has its outcome from an earlier owner, under the same origin; but it would be counted a second time.
    for (const auto& stage : stages_)
      if (stage.refused > 0)
        problems += " stage " + stage.name + " refused " + std::to_string(stage.refused) + " sets;";
    return problems;
  }

  std::mt19937 random_;
  Break broken_;
  std::vector<Topic> topics_;
  std::deque<StageModel> stages_;
  std::deque<Place> places_;
  std::vector<std::pair<Place*, std::pair<Offset, stream::CommitMetadata>>> late_;
  std::vector<std::int64_t> sent_;
  int counter_ = 0;
};

// The first seed at which the broken rule shows.
std::optional<unsigned> bad_seed(Break broken, unsigned runs) {
  for (unsigned seed = 0; seed < runs; ++seed)
    if (!World(seed, broken).run().empty()) return seed;
  return std::nullopt;
}

TEST(DeliveryRules, EachFrameHasExactlyOneOutcomeWhateverCrashesAndLingers) {
  for (unsigned seed = 0; seed < 100; ++seed) EXPECT_EQ(World(seed, Break::none).run(), "") << "seed " << seed;
}

TEST(DeliveryRules, AWatermarkOfTheReadPositionLosesFrames) {
  EXPECT_TRUE(bad_seed(Break::watermark_of_read_position, 100));
}

TEST(DeliveryRules, WritesOutOfOrderLoseFrames) { EXPECT_TRUE(bad_seed(Break::unordered_writes, 100)); }

TEST(DeliveryRules, ACommitPastAnUnackedFrameLosesIt) { EXPECT_TRUE(bad_seed(Break::commit_past_unacked, 100)); }

TEST(DeliveryRules, WithoutTheListOfFinishedSetsFramesAreCountedTwice) {
  EXPECT_TRUE(bad_seed(Break::no_finished_list, 1000));
}

}  // namespace
}  // namespace ride
