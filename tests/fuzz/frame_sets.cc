// A partition's records, read by the worker of its stage (stream::SetAssembler). First line: `metadata=TEXT` of the
// commit that it begins at, or anything else; `end`/`gap` as a record's only header stand for an ordered end and for
// records that retention took. Every offset leads to one thing only, each origin is taken once, and memory is bounded.
#include <map>
#include <set>

#include "common/check.h"
#include "stream/core/set_assembler.h"
#include "tests/fuzz/records.h"

namespace ride::stream {
namespace {

constexpr std::int64_t kMostSetBytes = 64 << 10;
constexpr std::int64_t kMostHeaderBytes = 256 << 10;  // of a set, with its book-keeping

template <class Config>
Config limited(Config config) {
  if constexpr (requires { config.max_set_bytes; }) config.max_set_bytes = kMostSetBytes;
  if constexpr (requires { config.open.set_bytes; }) config.open.set_bytes = kMostSetBytes;
  if constexpr (requires { config.open.header_bytes; }) config.open.header_bytes = kMostHeaderBytes / 2;
  return config;
}

template <class Reader>
std::int64_t held_bytes(const Reader& assembler) {
  if constexpr (requires { assembler.held_bytes(); })
    return assembler.held_bytes();
  else
    return assembler.open().held_bytes();
}

void check_header(const Headers& headers) {
  const auto header = decode_header(headers);
  if (!header.ok()) return;
  const auto written = encode_header(*header);
  const auto again = decode_header(written);
  RIDE_CHECK(again.ok(), "a header that was read cannot be read when it is written again");
  RIDE_CHECK(encode_header(*again) == written, "a header changes each time that it is written");
}

class Reader {
 public:
  explicit Reader(const CommitMetadata& start) : assembler_(config(), start) {}

  void add(const fuzz::TextRecord& record) {
    check_header(record.headers);
    const Offset at{next_++};
    const auto name = record.headers.empty() ? "" : record.headers.front().first;
    if (name == "gap") {
      for (const auto offset : assembler_.give_up_open_sets()) settle(offset);
      RIDE_CHECK(held_bytes(assembler_) == 0, "holds bytes of no set");
      return;
    }
    open_.insert(at);
    const auto step = assembler_.add(at, SystemTime{}, record.headers, {record.bytes(), nullptr});
    for (const auto offset : step.settled) settle(offset);
    if (step.ended && !step.accepted) settle(at);
    if (step.accepted) accept(*step.accepted, at);
    RIDE_CHECK(held_bytes(assembler_) >= 0, "holds fewer than no bytes");
    RIDE_CHECK(held_bytes(assembler_) <= (kMostSetBytes + kMostHeaderBytes) * static_cast<std::int64_t>(open_.size()),
               "holds more than the sets that are open may have");
  }

  void finish() {
    for (const auto offset : assembler_.give_up_open_sets()) settle(offset);
    RIDE_CHECK(open_.empty(), "a record leads to nothing: its offset is never committed");
    RIDE_CHECK(held_bytes(assembler_) == 0, "holds bytes of no set");
  }

 private:
  static SetAssembler::Config config() {
    SetAssembler::Config config{.at = {"ride.street.1.clean", PartitionId{0}},
                                .job = "street",
                                .upstreams = {{"gate", 1, true}, {"blur", 3, false}}};
    return limited(std::move(config));
  }

  void settle(Offset offset) {
    RIDE_CHECK(open_.erase(offset) == 1, "an offset is settled twice, or before it was read");
  }

  void accept(const AcceptedSet& set, Offset at) {
    RIDE_CHECK(set.released_by == at && set.first <= at, "released by another record");
    for (const auto offset : set.members) settle(offset);
    if (set.members.empty()) settle(at);
    RIDE_CHECK(taken_[set.upstream].insert(set.key).second, "an origin is taken twice");
    std::int64_t bytes = 0;
    for (const auto& frame : set.frames)
      bytes += set.members.empty() ? 0 : static_cast<std::int64_t>(frame.payload.bytes.size());
    RIDE_CHECK(bytes <= kMostSetBytes, "a set is larger than the limit");
    for (const auto& frame : set.frames) sum_ += frame.payload.bytes.empty() ? 0 : frame.payload.bytes.back();
    RIDE_CHECK(set.kind != RecordKind::frame || !set.frames.empty(), "a set of frames without one");
  }

  SetAssembler assembler_;
  std::int64_t next_ = 0;
  std::set<Offset> open_;  // read, and not yet settled
  std::map<Upstream, std::set<OriginKey>> taken_;
  unsigned sum_ = 0;  // every payload is read to its end
};

CommitMetadata start_of(std::string_view& text) {
  constexpr std::string_view kKey = "metadata=";
  const auto line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  if (!line.starts_with(kKey)) return {};
  auto metadata = unpack_commit_metadata(line.substr(kKey.size()));
  return metadata.ok() ? *std::move(metadata) : CommitMetadata{};
}

}  // namespace
}  // namespace ride::stream

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = ride::fuzz::as_text(data, size);
  ride::stream::Reader reader(ride::stream::start_of(text));
  for (const auto& record : ride::fuzz::read_records(text)) reader.add(record);
  reader.finish();
  return 0;
}
