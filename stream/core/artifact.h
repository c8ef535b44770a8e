// Files that jobs bring along (weights, labels, matrices), as records of the topic `<prefix>.artifacts`, which is
// compacted (decision 0044). Its partition 0 is the index: one record for each upload, keyed by content and upload. Its
// partition 1 holds the chunks, keyed by content, upload and number. Whoever can write there can write anything: what
// a reader takes has the key and the size that the reference asks for, each chunk counts once, and the whole is
// checked against its hash by who puts it together. Who removes an upload withdraws it first and reads the index again:
// what was named shortly before, as the log has it, is restored; a name that comes behind is void. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "stream/core/record.h"
#include "stream/spec.h"

namespace ride::stream {

inline constexpr std::int64_t kArtifactChunkBytes = 512 << 10;  // fits into any cluster's message
inline constexpr std::int64_t kMostArtifactBytes = std::int64_t{4} << 30;
inline constexpr std::size_t kMostArtifactName = 100;
inline constexpr std::size_t kMostArtifactsOfStage = 64;
// In StageSpec::artifacts, beside the parameters: the plug-in that has the stage's task (decision 0049).
inline constexpr const char* kPluginArtifact = "plug-in";
inline constexpr std::size_t kMostUploads = 100'000;  // that an index holds

std::string artifacts_topic(const std::string& prefix);
inline constexpr int kArtifactPartitions = 2;
TopicPartition artifact_index(const std::string& topic);
TopicPartition artifact_chunks(const std::string& topic);

// What settings of the topic would lose or refuse files, with what to do about it; nothing: none does.
std::optional<std::string> find_topic_fault(const std::string& topic, int partitions,
                                            const std::map<std::string, std::string>& settings);

// The first thing that is wrong with a reference, in words.
std::optional<std::string> find_fault(const ArtifactRef& ref);
// A file's name as a reference holds it: letters, digits, '.', '_' and '-', not beginning with a dot; its ending is
// kept.
std::string artifact_name(const std::string& file_name);

// Of references without a fault.
int chunk_count(const ArtifactRef& ref);
std::size_t chunk_bytes(const ArtifactRef& ref, int chunk);
std::string chunk_key(const ArtifactRef& ref, int chunk);
std::optional<int> chunk_of(const ArtifactRef& ref, const std::string& key);
std::string upload_key(const ArtifactRef& ref);

// A record of the index, and what an index makes of all those of an upload.
struct ArtifactUpload {
  ArtifactRef ref;         // its offset counts where it is complete
  bool complete = false;   // all chunks were acknowledged
  SystemTime at{};         // by the broker's clock: begun, completed, or named by a submit again
  bool withdrawn = false;  // somebody is about to remove it: no submit may rely on it any more
  bool restored = false;   // ... and did not, since it is in use: it stands again
  SystemTime withdrawn_at{};
};
std::string encode(const ArtifactUpload& upload);
// corrupt: not one, or not that of the key.
Result<ArtifactUpload> decode_upload(const Record& record);

// What the index says, after all its records in their order. Records that are none are counted.
class ArtifactIndex {
 public:
  void see(const Record& record);
  const std::map<std::string, ArtifactUpload>& uploads() const { return uploads_; }  // by upload_key()
  // Complete uploads of this content that a submit may rely on, the latest first.
  std::vector<const ArtifactUpload*> find(const std::string& sha256) const;
  bool stands(const ArtifactRef& ref) const;  // it is one of these
  // Whether a prune may remove it, once it is withdrawn: it was last named at least `grace` before that.
  bool may_be_removed(const std::string& upload_key, std::chrono::milliseconds grace) const;
  std::int64_t refused() const { return refused_; }
  const std::string& first_refusal() const { return first_refusal_; }  // its offset and its cause

 private:
  void refuse(const Record& record, const std::string& why);

  std::map<std::string, ArtifactUpload> uploads_;
  std::set<std::string> removed_;  // does not come back: what it consists of may be half gone
  std::int64_t refused_ = 0;
  std::string first_refusal_;
};
// What people are told of refused records; empty: there are none.
std::string refusals_text(const ArtifactIndex& index, const std::string& topic);

// Which chunks of one upload are there. Memory: a bit for each.
class ArtifactAssembly {
 public:
  explicit ArtifactAssembly(ArtifactRef ref);  // without a fault
  // The chunk that a record brings; nothing: it brings none of these, one of another size, or one that was there.
  std::optional<int> take(const Record& record);
  int missing() const { return missing_; }

 private:
  ArtifactRef ref_;
  std::vector<bool> there_;
  int missing_;
};

}  // namespace ride::stream
