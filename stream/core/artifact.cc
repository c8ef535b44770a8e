#include "stream/core/artifact.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <charconv>

#include "common/check.h"
#include "common/sha256.h"
#include "stream/spec_json.h"

namespace ride::stream {
namespace {

constexpr std::size_t kMostIndexRecord = 4096;
constexpr std::size_t kUploadDigits = 16;
constexpr std::int64_t kArtifactMessageBytes = kArtifactChunkBytes + 4096;  // a chunk, its key, and what Kafka adds
constexpr std::int64_t kMostOffset = std::int64_t{1} << 43;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

bool is_upload_id(std::string_view text) {
  return text.size() == kUploadDigits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_upload_key(const std::string& key) {
  const auto bar = key.find('/');
  return bar != std::string::npos && is_sha256_hex(key.substr(0, bar)) &&
         is_upload_id(std::string_view(key).substr(bar + 1));
}

}  // namespace

std::string artifacts_topic(const std::string& prefix) { return prefix + ".artifacts"; }
TopicPartition artifact_index(const std::string& topic) { return {topic, PartitionId{0}}; }
TopicPartition artifact_chunks(const std::string& topic) { return {topic, PartitionId{1}}; }

std::optional<std::string> find_topic_fault(const std::string& topic, int partitions,
                                            const std::map<std::string, std::string>& settings) {
  if (partitions != kArtifactPartitions)
    return fmt::format(
        "the topic {} has {} partitions, it must have {}: somebody else made it. Delete it, and the "
        "master makes it when it starts",
        topic, partitions, kArtifactPartitions);
  std::string faults, fix;
  const auto add = [&](std::string_view name, const std::string& value, const std::string& why, const std::string& as) {
    faults += fmt::format("{}its {} is {}, {}", faults.empty() ? "" : "; ", name, value, why);
    fix += fmt::format("{}{}={}", fix.empty() ? "" : ",", name, as);
  };
  if (const auto policy = settings.find("cleanup.policy"); policy != settings.end() && policy->second != "compact")
    add("cleanup.policy", policy->second, "which deletes files that jobs use after a time", "compact");
  if (const auto stamp = settings.find("message.timestamp.type");
      stamp != settings.end() && stamp->second != "LogAppendTime")
    add(stamp->first, stamp->second, "so that a prune goes by the clocks of those who submit", "LogAppendTime");
  if (const auto most = settings.find("max.message.bytes"); most != settings.end()) {
    std::int64_t bytes = 0;
    const auto* end = most->second.data() + most->second.size();
    const auto parsed = std::from_chars(most->second.data(), end, bytes);
    if (parsed.ec == std::errc() && bytes < kArtifactMessageBytes)
      add("max.message.bytes", most->second, fmt::format("and a chunk of a file needs {}", kArtifactMessageBytes),
          std::to_string(std::int64_t{1} << 20));
  }
  if (faults.empty()) return std::nullopt;
  return fmt::format(
      "the topic {} loses or refuses files: {}. Correct it: kafka-configs.sh --bootstrap-server BROKER "
      "--alter --entity-type topics --entity-name {} --add-config {}",
      topic, faults, topic, fix);
}

std::optional<std::string> find_fault(const ArtifactRef& ref) {
  const bool named = !ref.name.empty() && ref.name.size() <= kMostArtifactName && ref.name.front() != '.' &&
                     std::all_of(ref.name.begin(), ref.name.end(), is_plain);
  if (!named) return "an artifact's name is not one of letters, digits, '.', '_' and '-'";
  if (!is_sha256_hex(ref.sha256)) return "an artifact's sha256 is not 64 small hexadecimal digits";
  if (!is_upload_id(ref.upload)) return "an artifact's upload is not 16 small hexadecimal digits";
  if (ref.size < 1 || ref.size > kMostArtifactBytes)
    return fmt::format("an artifact has {} bytes; it may have from 1 to {}", ref.size, kMostArtifactBytes);
  if (ref.offset < 0 || ref.offset > kMostOffset) return "an artifact's offset is impossible";
  return std::nullopt;
}

std::string artifact_name(const std::string& file_name) {
  std::string name = file_name;
  if (name.size() > kMostArtifactName) name = name.substr(name.size() - kMostArtifactName);  // the ending says more
  for (char& c : name)
    if (!is_plain(c)) c = '_';
  if (name.empty()) return "file";
  if (name.front() == '.') name.front() = '_';
  return name;
}

int chunk_count(const ArtifactRef& ref) {
  return static_cast<int>((ref.size + kArtifactChunkBytes - 1) / kArtifactChunkBytes);
}

std::size_t chunk_bytes(const ArtifactRef& ref, int chunk) {
  return static_cast<std::size_t>(std::min(kArtifactChunkBytes, ref.size - chunk * kArtifactChunkBytes));
}

std::string upload_key(const ArtifactRef& ref) { return ref.sha256 + "/" + ref.upload; }
std::string chunk_key(const ArtifactRef& ref, int chunk) { return fmt::format("{}/{}", upload_key(ref), chunk); }

std::optional<int> chunk_of(const ArtifactRef& ref, const std::string& key) {
  const auto begin = upload_key(ref) + "/";
  if (!key.starts_with(begin)) return std::nullopt;
  int chunk = 0;
  const auto* end = key.data() + key.size();
  const auto parsed = std::from_chars(key.data() + begin.size(), end, chunk);
  if (parsed.ec != std::errc() || parsed.ptr != end || chunk < 0 || chunk >= chunk_count(ref)) return std::nullopt;
  return key == chunk_key(ref, chunk) ? std::optional(chunk) : std::nullopt;
}

std::string encode(const ArtifactUpload& upload) {
  nlohmann::json json = upload.ref;
  json["complete"] = upload.complete && !upload.withdrawn;  // so that older programs do not rely on it, either
  if (upload.withdrawn) json["withdrawn"] = true;
  if (upload.restored) json["restored"] = true;
  json["chunk_bytes"] = kArtifactChunkBytes;
  return json.dump();
}

Result<ArtifactUpload> decode_upload(const Record& record) {
  if (record.value.size() > kMostIndexRecord)
    return corrupt(fmt::format("a record of {} bytes is none of the index", record.value.size()));
  const auto json = nlohmann::json::parse(record.value.begin(), record.value.end(), nullptr, false);
  if (!json.is_object()) return corrupt("a record of the index is no JSON object");
  ArtifactUpload upload;
  try {
    json.get_to(upload.ref);
    upload.complete = json.value("complete", false);
    upload.withdrawn = json.value("withdrawn", false);
    upload.restored = json.value("restored", false);
    // Numbers of chunks mean nothing where they are of another size.
    if (json.value("chunk_bytes", std::int64_t{0}) != kArtifactChunkBytes)
      return corrupt("an upload has chunks of another size than this version reads");
  } catch (const nlohmann::json::exception&) {
    return corrupt("a record of the index has a value of another type");
  }
  if (auto fault = find_fault(upload.ref)) return corrupt(*fault);
  if (record.key != upload_key(upload.ref)) return corrupt("a record of the index has the key of another one");
  upload.at = record.timestamp;
  return upload;
}

void ArtifactIndex::refuse(const Record& record, const std::string& why) {
  if (refused_++ == 0) first_refusal_ = fmt::format("offset {}: {}", record.offset.value, why);
}

void ArtifactIndex::see(const Record& record) {
  if (record.value.empty()) {
    if (uploads_.erase(record.key) > 0 || (is_upload_key(record.key) && removed_.size() < kMostUploads))
      removed_.insert(record.key);
    return;
  }
  auto decoded = decode_upload(record);
  if (!decoded.ok()) return refuse(record, decoded.error().message);
  const auto& upload = *decoded;
  if (removed_.contains(record.key)) return;
  const auto known = uploads_.find(record.key);
  if (known == uploads_.end() && uploads_.size() >= kMostUploads)
    return refuse(record, fmt::format("there are {} uploads already", kMostUploads));
  if (upload.withdrawn) {
    auto& entry = known == uploads_.end() ? uploads_[record.key] = upload : known->second;
    entry.withdrawn = true;
    entry.withdrawn_at = record.timestamp;
  } else if (known == uploads_.end() || !known->second.withdrawn || upload.restored) {
    uploads_[record.key] = upload;
  }
}

std::vector<const ArtifactUpload*> ArtifactIndex::find(const std::string& sha256) const {
  std::vector<const ArtifactUpload*> found;
  for (auto one = uploads_.lower_bound(sha256); one != uploads_.end() && one->second.ref.sha256 == sha256; ++one)
    if (one->second.complete && !one->second.withdrawn) found.push_back(&one->second);
  std::stable_sort(found.begin(), found.end(),
                   [](const auto* a, const auto* b) { return a->ref.offset > b->ref.offset; });
  return found;
}

bool ArtifactIndex::stands(const ArtifactRef& ref) const {
  const auto known = uploads_.find(upload_key(ref));
  return known != uploads_.end() && known->second.complete && !known->second.withdrawn;
}

bool ArtifactIndex::may_be_removed(const std::string& upload_key, std::chrono::milliseconds grace) const {
  const auto known = uploads_.find(upload_key);
  if (known == uploads_.end()) return false;
  return known->second.withdrawn && known->second.withdrawn_at - known->second.at >= grace;
}

std::string refusals_text(const ArtifactIndex& index, const std::string& topic) {
  if (index.refused() == 0) return {};
  return fmt::format("{} of the records in the index of {} {} not valid and {} passed over; the first: {}",
                     index.refused(), topic, index.refused() == 1 ? "is" : "are", index.refused() == 1 ? "is" : "are",
                     index.first_refusal());
}

ArtifactAssembly::ArtifactAssembly(ArtifactRef ref) : ref_(std::move(ref)), missing_(0) {
  RIDE_CHECK(!find_fault(ref_), "an artifact's reference is used that was not checked");
  missing_ = chunk_count(ref_);
  there_.resize(static_cast<std::size_t>(missing_));
}

std::optional<int> ArtifactAssembly::take(const Record& record) {
  const auto chunk = chunk_of(ref_, record.key);
  if (!chunk || record.value.size() != chunk_bytes(ref_, *chunk)) return std::nullopt;
  const auto at = static_cast<std::size_t>(*chunk);
  if (there_[at]) return std::nullopt;
  there_[at] = true;
  --missing_;
  return chunk;
}

}  // namespace ride::stream
