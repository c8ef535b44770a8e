// The topic of artifacts as others could have filled it: `p=1` as a record's header names the partition of chunks (else
// it is of the index), `k=KEY` its key. What is taken is what was asked for, what was removed does not come back, and
// what a submit was given can be had.
#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/check.h"
#include "common/sha256.h"
#include "stream/artifact_ship.h"
#include "stream/core/artifact.h"
#include "stream/memory/memory_log.h"
#include "tests/fuzz/records.h"

namespace ride::stream {
namespace {

constexpr const char* kTopic = "ride.artifacts";
const Stopped kNever = [] { return false; };

std::string header(const fuzz::TextRecord& record, const std::string& name) {
  for (const auto& [key, value] : record.headers)
    if (key == name) return value;
  return {};
}

const std::string& content() {
  static const std::string text = "weights";
  return text;
}

ArtifactRef wanted() {
  static const std::string hash = sha256_hex(content());
  return {.name = "net.onnx",
          .sha256 = hash,
          .size = static_cast<std::int64_t>(content().size()),
          .upload = "0123456789abcdef",
          .offset = 0};
}

std::shared_ptr<MemoryLog> filled(const std::vector<fuzz::TextRecord>& records) {
  auto log = MemoryLog::make();
  log->admin()->create({.name = kTopic, .partitions = kArtifactPartitions}).value();
  const auto writer = log->writer();
  for (const auto& record : records) {
    const auto to = header(record, "p") == "1" ? artifact_chunks(kTopic) : artifact_index(kTopic);
    writer->send(to, {.key = header(record, "k"), .value = record.bytes()}, nullptr).value();
  }
  writer->flush(std::chrono::milliseconds(0)).value();
  return log;
}

void check(const ArtifactUpload& upload, const std::string& key) {
  RIDE_CHECK(!find_fault(upload.ref) && upload_key(upload.ref) == key, "an upload with a fault is in the index");
  const auto text = encode(upload);
  Record record;
  record.key = key;
  record.value = {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  const auto again = decode_upload(record);
  RIDE_CHECK(again.ok() && again->ref == upload.ref, "an upload does not survive being written");
  RIDE_CHECK(!again->complete || !again->withdrawn, "a withdrawn one passes as complete");
}

void check_index(const std::vector<Record>& records) {
  ArtifactIndex index;
  std::set<std::string> removed;
  for (const auto& record : records) {
    index.see(record);
    if (record.value.empty()) removed.insert(record.key);
    for (const auto& key : removed) RIDE_CHECK(!index.uploads().contains(key), "a removed upload came back");
  }
  for (const auto& [key, upload] : index.uploads()) {
    check(upload, key);
    const auto found = index.find(upload.ref.sha256);
    const bool listed = std::any_of(found.begin(), found.end(), [&](const auto* one) { return one == &upload; });
    RIDE_CHECK(listed == index.stands(upload.ref), "what stands is not found, or the other way round");
    RIDE_CHECK(std::is_sorted(found.begin(), found.end(),
                              [](const auto* a, const auto* b) { return a->ref.offset > b->ref.offset; }),
               "not the latest first");
  }
  RIDE_CHECK(index.refused() <= static_cast<std::int64_t>(records.size()), "more is refused than there was");
  const auto text = refusals_text(index, kTopic);
  RIDE_CHECK(std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20; }),
             "a control character is shown");
}

std::optional<std::string> downloaded(MemoryLog& log, const ArtifactRef& ref) {
  std::string file(static_cast<std::size_t>(ref.size), '\0');
  const auto write = [&](std::int64_t at, std::span<const std::uint8_t> part) -> Result<void> {
    RIDE_CHECK(at >= 0 && at + static_cast<std::int64_t>(part.size()) <= ref.size, "written behind the end");
    std::copy(part.begin(), part.end(), file.begin() + at);
    return {};
  };
  const auto reader = log.reader();
  const auto admin = log.admin();
  if (!download_artifact(*reader, *admin, kTopic, ref, write, kNever).ok()) return std::nullopt;
  return file;
}

void check_chunks(MemoryLog& log) {
  ArtifactAssembly assembly(wanted());
  const int all = assembly.missing();
  int taken = 0;
  for (const auto& record : log.records(artifact_chunks(kTopic)))
    if (const auto chunk = assembly.take(record)) {
      ++taken;
      RIDE_CHECK(*chunk >= 0 && *chunk < all && record.value.size() == chunk_bytes(wanted(), *chunk),
                 "a chunk is taken that is none");
    }
  RIDE_CHECK(assembly.missing() == all - taken, "a chunk counts twice");
  RIDE_CHECK(downloaded(log, wanted()).has_value() == (assembly.missing() == 0), "not all is had, or more");
}

const ReadAt kRead = [](std::int64_t at, std::size_t bytes) -> Result<std::shared_ptr<const std::string>> {
  return std::make_shared<const std::string>(content().substr(static_cast<std::size_t>(at), bytes));
};

void check_submit(MemoryLog& log) {
  const auto reader = log.reader();
  const auto admin = log.admin();
  const auto writer = log.writer();
  const auto intact = is_intact(*reader, *admin, kTopic, wanted(), kRead, kNever).value();
  RIDE_CHECK(!intact || downloaded(log, wanted()) == content(), "another content passes as whole");
  int uploads = 0;
  const ShipOptions options{
      .trusted = {}, .new_upload = [&] { return fmt::format("{:016x}", ++uploads); }, .say = [](const std::string&) {}};
  const ArtifactPorts ports{*reader, *admin, *writer, kTopic};
  const auto placed = ship_artifacts(ports, {{wanted(), "net.onnx", kRead}}, options, kNever);
  if (placed.ok())
    RIDE_CHECK(downloaded(log, placed->begin()->second) == content(), "a submit was given what is not there");
}

}  // namespace
}  // namespace ride::stream

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ride;
  using namespace ride::stream;
  const auto records = fuzz::read_records(fuzz::as_text(data, size));
  const auto log = filled(records);
  check_index(log->records(artifact_index(kTopic)));
  check_chunks(*log);
  check_submit(*log);
  for (const auto& record : records) {
    auto named = wanted();
    named.name = artifact_name(record.value);
    RIDE_CHECK(!find_fault(named), "no name was made of a file's name");
  }
  return 0;
}
