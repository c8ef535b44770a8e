// Ledger: the independent reader. Reads every record of a run's topics as it becomes readable, by rules of its own (not
// the product's SetAssembler), and every commit as Kafka takes it; knows what the sinks kept. Says the first thing that
// is wrong: a frame lost, one counted twice, a commit past a frame that is not safe, counters that do not add up
// (invariants 2, 3 and 4). Owner: one World.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "stream/core/commit_metadata.h"
#include "stream/core/frame_record.h"
#include "tests/simulation/kafka.h"
#include "tests/simulation/story.h"

namespace ride::simulation {

class Ledger {
 public:
  // Of a frame whom every owner of that stage dies of: it may be given up there, and cannot come out of it.
  using IsPoison = std::function<bool(const std::string& stage, const FrameId&)>;
  Ledger(Story& story, stream::JobSpec job, IsPoison is_poison);

  void on_visible(const Line& line, std::int64_t offset);
  void on_commit(const std::string& group, const stream::TopicPartition& at, const stream::Commit& commit);
  void on_kept(const FrameId& id, const std::string& item);
  // The brokers acknowledged it to the source; `current`: its session was the newest one.
  void on_acknowledged(const FrameId& id, bool current);

  // The job is completed: is all there?
  void check_completed();

  const std::optional<std::string>& problem() const { return problem_; }
  void complain(const std::string& what) {
    if (!problem_) problem_ = what;
    story_.tell("WRONG: {}", what);
  }
  std::int64_t frames() const { return frames_; }  // accepted from sources
  std::int64_t repetitions() const { return repetitions_; }

 private:
  using Picture = std::pair<FrameId, std::string>;  // with the item that the task gave it
  struct Accepted {
    std::int64_t released = 0;
    stream::RecordKind kind = stream::RecordKind::frame;
    FrameId id;
    std::vector<Picture> pictures;
  };
  struct Origin {
    stream::Upstream upstream;
    stream::OriginKey key;
    auto operator<=>(const Origin&) const = default;
  };
  struct Open {
    std::set<int> parts;
    std::vector<Picture> pictures;
  };
  struct Reader {  // of one partition
    const stream::StageSpec* stage = nullptr;
    std::map<stream::Upstream, stream::OriginKey> newest;
    std::map<std::pair<Origin, std::string>, Open> open;  // by origin and writer
    std::map<Origin, std::size_t> taken;
    std::vector<Accepted> accepted;  // in log order
    std::size_t safe = 0;            // so many were found safe when a commit passed them
    std::int64_t end = 0;
    std::optional<stream::Commit> committed;
  };

  bool is_source(const std::string& name) const { return job_.source(name) != nullptr; }
  void take_set(Reader& reader, const Line& line, std::int64_t offset, const stream::RecordHeader& header,
                Origin origin, std::vector<Picture> pictures);
  void accept(Reader& reader, const Line& line, Origin origin, Accepted set);
  std::optional<std::string> unsafe(const stream::StageSpec& stage, const Accepted& set) const;
  void check_safe(Reader& reader, const stream::TopicPartition& at, Offset until,
                  const stream::CommitMetadata& metadata);
  void check_counters(const Reader& reader, const stream::TopicPartition& at, Offset until,
                      const stream::CommitMetadata& metadata);
  void check_sources();
  void check_stages();
  void check_files();

  bool may_be_dead(const stream::RecordHeader& header) const;

  Story& story_;
  stream::JobSpec job_;
  IsPoison is_poison_;
  std::map<std::string, const stream::StageSpec*> by_topic_, by_group_;
  std::map<stream::TopicPartition, Reader> readers_;
  std::map<std::tuple<std::string, std::string, FrameId>, int> counted_;  // topic, upstream, frame
  std::map<std::pair<std::string, SessionId>, std::int64_t> ends_;        // one above the last number of a session
  std::set<FrameId> acknowledged_;
  std::set<Picture> kept_;
  std::int64_t frames_ = 0, repetitions_ = 0;
  std::optional<std::string> problem_;
};

}  // namespace ride::simulation
