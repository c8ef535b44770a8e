#include "stream/artifact_log.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <chrono>

#include "common/sha256.h"

namespace ride::stream {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kArtifactLook(100);
constexpr std::chrono::seconds kArtifactPatience(30);  // without a record, or an acknowledgement
constexpr std::chrono::minutes kSayAgain(5);           // that an upload goes on

Error artifact_stopped() { return {ErrorCode::cancelled, "stopped"}; }

// Hands out what stands in the log from `start` on until `visit` says that it has enough, or the log's end is reached
// as it was at the beginning.
Result<void> visit_log(RecordReader& reader, TopicAdmin& admin, const TopicPartition& at, Offset start,
                       const std::function<Result<bool>(const Record&)>& visit, const Stopped& stopped) {
  RIDE_ASSIGN(const auto range, admin.range(at));
  const Offset from = std::max(start, range.first);
  if (from >= range.end) return {};
  RIDE_TRY(reader.assign(at, from));
  auto last = steady_clock::now();
  Result<void> result;
  for (bool enough = false; !enough;) {
    if (stopped()) {
      result = artifact_stopped();
      break;
    }
    auto record = reader.poll(kArtifactLook);
    if (!record.ok() && !record.error().retriable) {
      result = record.error();
      break;
    }
    if (record.ok() && *record) {
      last = steady_clock::now();
      auto seen = visit(**record);
      if (!seen.ok()) {
        result = seen.error();
        break;
      }
      enough = *seen || Offset{(*record)->offset.value + 1} >= range.end;
      continue;
    }
    // Behind the last record there may be offsets that compaction took.
    if (const auto end = reader.at_end(at); end && *end >= range.end) break;
    if (steady_clock::now() - last > kArtifactPatience) {
      result = Error{ErrorCode::unavailable,
                     fmt::format("nothing came from {} for {} s", to_string(at), kArtifactPatience.count()), true};
      break;
    }
  }
  reader.unassign(at);
  return result;
}

// Records that are acknowledged one and all. The callbacks may outlive it.
class AcknowledgedWrites {
 public:
  AcknowledgedWrites(RecordWriter& writer, TopicPartition to, const Stopped& stopped)
      : writer_(writer), to_(std::move(to)), stopped_(stopped) {}

  Result<void> send(const OutRecord& record) {
    const auto handed = [state = state_](const Result<Offset>& result) {
      ++state->acknowledged;
      if (!result.ok() && !state->error) state->error = result.error();
      if (result.ok() && !state->first) state->first = *result;
    };
    for (Progress progress(*this);;) {
      OutRecord copy = record;  // the queue may be full
      const auto sent = writer_.send(to_, std::move(copy), handed);
      if (sent.ok()) break;
      if (!sent.error().retriable) return sent.error();
      RIDE_TRY(progress.wait());
    }
    ++sent_;
    writer_.serve(milliseconds(0));
    return {};
  }

  Result<void> wait() {
    for (Progress progress(*this); state_->acknowledged < sent_;) RIDE_TRY(progress.wait());
    if (state_->error) return *state_->error;
    return {};
  }

  std::optional<Offset> first() const { return state_->first; }

 private:
  struct State {
    std::int64_t acknowledged = 0;
    std::optional<Error> error;
    std::optional<Offset> first;
  };

  class Progress {
   public:
    explicit Progress(AcknowledgedWrites& writes) : writes_(writes), seen_(writes.state_->acknowledged) {}
    Result<void> wait() {
      if (writes_.stopped_()) return artifact_stopped();
      writes_.writer_.serve(kArtifactLook);
      if (writes_.state_->error) return *writes_.state_->error;
      if (writes_.state_->acknowledged != std::exchange(seen_, writes_.state_->acknowledged))
        last_ = steady_clock::now();
      if (steady_clock::now() - last_ <= kArtifactPatience) return {};
      return Error{ErrorCode::unavailable,
                   fmt::format("Kafka has acknowledged nothing of {} for {} s", to_string(writes_.to_),
                               kArtifactPatience.count()),
                   true};
    }

   private:
    AcknowledgedWrites& writes_;
    std::int64_t seen_;
    steady_clock::time_point last_ = steady_clock::now();
  };

  RecordWriter& writer_;
  TopicPartition to_;
  const Stopped& stopped_;
  std::int64_t sent_ = 0;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

OutRecord artifact_record(std::string key, std::shared_ptr<const std::string> value) {
  OutRecord record;
  record.key = std::move(key);
  record.value = {reinterpret_cast<const std::uint8_t*>(value->data()), value->size()};
  record.owner = std::move(value);
  return record;
}

OutRecord artifact_deletion(std::string key) {
  OutRecord record;
  record.key = std::move(key);
  record.deletes = true;
  return record;
}

Result<void> write_index(RecordWriter& writer, const std::string& topic, const ArtifactUpload& upload,
                         const Stopped& stopped) {
  AcknowledgedWrites index(writer, artifact_index(topic), stopped);
  RIDE_TRY(index.send(artifact_record(upload_key(upload.ref), std::make_shared<const std::string>(encode(upload)))));
  return index.wait();
}

}  // namespace

Result<ArtifactIndex> read_artifact_index(RecordReader& reader, TopicAdmin& admin, const std::string& topic,
                                          const Stopped& stopped) {
  ArtifactIndex index;
  const auto see = [&index](const Record& record) -> Result<bool> {
    index.see(record);
    return false;
  };
  RIDE_TRY(visit_log(reader, admin, artifact_index(topic), Offset{0}, see, stopped));
  return index;
}

Result<ArtifactRef> upload_artifact(RecordWriter& writer, const std::string& topic, ArtifactRef ref, const ReadAt& read,
                                    const Stopped& stopped) {
  if (const auto fault = find_fault(ref)) return invalid_argument(*fault);
  // First of all, so that an upload that breaks off is found when artifacts are removed.
  RIDE_TRY(write_index(writer, topic, {ref, false, {}}, stopped));
  AcknowledgedWrites chunks(writer, artifact_chunks(topic), stopped);
  Sha256 sum;
  auto said = steady_clock::now();
  for (int chunk = 0; chunk < chunk_count(ref); ++chunk) {
    if (steady_clock::now() - said > kSayAgain) {
      RIDE_TRY(write_index(writer, topic, {ref, false, {}}, stopped));
      said = steady_clock::now();
    }
    RIDE_ASSIGN(auto bytes, read(chunk * kArtifactChunkBytes, chunk_bytes(ref, chunk)));
    sum.add(*bytes);
    RIDE_TRY(chunks.send(artifact_record(chunk_key(ref, chunk), std::move(bytes))));
  }
  RIDE_TRY(chunks.wait());
  if (sum.hex() != ref.sha256) return invalid_argument("it was changed while it was read; submit again");
  ref.offset = chunks.first()->value;
  RIDE_TRY(write_index(writer, topic, {ref, true, {}}, stopped));
  return ref;
}

Result<void> renew_artifact(RecordWriter& writer, const std::string& topic, const ArtifactRef& ref,
                            const Stopped& stopped) {
  return write_index(writer, topic, {ref, true, {}}, stopped);
}

Result<void> withdraw_artifact(RecordWriter& writer, const std::string& topic, const ArtifactRef& ref,
                               const Stopped& stopped) {
  return write_index(writer, topic, {.ref = ref, .withdrawn = true}, stopped);
}

Result<void> restore_artifact(RecordWriter& writer, const std::string& topic, const ArtifactUpload& upload,
                              const Stopped& stopped) {
  return write_index(writer, topic, {.ref = upload.ref, .complete = upload.complete, .restored = true}, stopped);
}

Result<void> forget_artifact(RecordWriter& writer, const std::string& topic, const ArtifactRef& ref,
                             const Stopped& stopped) {
  AcknowledgedWrites index(writer, artifact_index(topic), stopped);
  RIDE_TRY(index.send(artifact_deletion(upload_key(ref))));
  return index.wait();
}

Result<void> remove_artifact(RecordWriter& writer, const std::string& topic, const ArtifactRef& ref,
                             const Stopped& stopped) {
  RIDE_TRY(forget_artifact(writer, topic, ref, stopped));
  AcknowledgedWrites chunks(writer, artifact_chunks(topic), stopped);
  for (int chunk = 0; chunk < chunk_count(ref); ++chunk)
    RIDE_TRY(chunks.send(artifact_deletion(chunk_key(ref, chunk))));
  return chunks.wait();
}

// Who uploads writes one chunk after the other, so where the next one is not the next of these, it is not there.
Result<bool> is_intact(RecordReader& reader, TopicAdmin& admin, const std::string& topic, const ArtifactRef& ref,
                       const ReadAt& read, const Stopped& stopped) {
  if (const auto fault = find_fault(ref)) return invalid_argument(*fault);
  int next = 0;
  const auto compare = [&](const Record& record) -> Result<bool> {
    const bool first_is_elsewhere = next == 0 && record.offset.value != ref.offset;
    const auto chunk = chunk_of(ref, record.key);
    if (!chunk && !first_is_elsewhere) return next == 0;
    if (first_is_elsewhere || *chunk != next || record.value.size() != chunk_bytes(ref, next)) return true;
    RIDE_ASSIGN(const auto bytes, read(next * kArtifactChunkBytes, record.value.size()));
    const bool same = std::equal(record.value.begin(), record.value.end(), bytes->begin(), bytes->end(),
                                 [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); });
    if (!same) return true;
    return ++next == chunk_count(ref);
  };
  RIDE_TRY(visit_log(reader, admin, artifact_chunks(topic), Offset{ref.offset}, compare, stopped));
  return next == chunk_count(ref);
}

Result<void> download_artifact(RecordReader& reader, TopicAdmin& admin, const std::string& topic,
                               const ArtifactRef& ref, const WriteAt& write, const Stopped& stopped) {
  if (const auto fault = find_fault(ref)) return invalid_argument(*fault);
  ArtifactAssembly assembly(ref);
  const auto take = [&](const Record& record) -> Result<bool> {
    if (const auto chunk = assembly.take(record)) RIDE_TRY(write(*chunk * kArtifactChunkBytes, record.value));
    return assembly.missing() == 0;
  };
  RIDE_TRY(visit_log(reader, admin, artifact_chunks(topic), Offset{ref.offset}, take, stopped));
  if (assembly.missing() == 0) return {};
  return Error{
      ErrorCode::not_found,
      fmt::format("the artifact '{}' (sha256 {}) is not in {} any more: {} of its {} chunks are missing. Submit "
                  "the topology again with --replace, from the machine that has the file",
                  ref.name, ref.sha256, topic, assembly.missing(), chunk_count(ref))};
}

}  // namespace ride::stream
