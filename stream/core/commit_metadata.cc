#include "stream/core/commit_metadata.h"

#include <algorithm>
#include <array>
#include <limits>

namespace ride::stream {

namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kVersionOfLateFrames = 2;  // with frames that were given up, where there are some
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// LEB128 varints, zigzag for signed values (as in Protocol Buffers' wire format).
class Packer {
 public:
  void put(std::uint64_t value) {
    while (value >= 0x80) {
      bytes_.push_back(static_cast<char>(value | 0x80));
      value >>= 7;
    }
    bytes_.push_back(static_cast<char>(value));
  }
  void put_signed(std::int64_t value) {
    put((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
  }
  void put_text(std::string_view text) {
    put(text.size());
    bytes_.append(text);
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : bytes_(bytes) {}
  std::uint64_t get() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ >= bytes_.size()) break;
      const auto byte = static_cast<std::uint8_t>(bytes_[at_++]);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    failed_ = true;
    return 0;
  }
  std::int64_t get_signed() {
    const auto value = get();
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
  }
  std::string get_text() {
    const auto size = get();
    if (failed_ || size > bytes_.size() - at_) {
      failed_ = true;
      return {};
    }
    at_ += size;
    return std::string(bytes_.substr(at_ - size, size));
  }
  // A count of things that take at least a byte each: bounds loops over hostile input.
  std::uint64_t get_count() {
    const auto count = get();
    if (count > bytes_.size()) failed_ = true;
    return failed_ ? 0 : count;
  }
  bool good() const { return !failed_; }
  bool at_end() const { return at_ == bytes_.size(); }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

std::string to_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = (bits << 8) | static_cast<std::uint8_t>(c);
    count += 8;
    while (count >= 6) {
      count -= 6;
      out.push_back(kAlphabet[(bits >> count) & 63]);
    }
  }
  if (count > 0) out.push_back(kAlphabet[(bits << (6 - count)) & 63]);
  return out;
}

bool from_base64(std::string_view text, std::string& out) {
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const auto value = kAlphabet.find(c);
    if (value == std::string_view::npos) return false;
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<char>(bits >> count));
    }
  }
  return true;
}

using CounterField = std::int64_t OutcomeCounters::*;
constexpr std::array<CounterField, 6> kCounters = {&OutcomeCounters::acked,   &OutcomeCounters::filtered,
                                                   &OutcomeCounters::dropped, &OutcomeCounters::dead,
                                                   &OutcomeCounters::expired, &OutcomeCounters::duplicates};

// Whoever wrote an origin chose its numbers: what does not fit into 64 bits goes round, here and back.
std::int64_t difference(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
std::int64_t sum(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

void put_key(Packer& packer, OriginKey key) {
  packer.put_signed(key.major);
  packer.put_signed(key.minor);
}

OriginKey get_key(Unpacker& in) {
  const auto major = in.get_signed();
  return {major, in.get_signed()};
}

// Ordered: most follow each other at the same distance, so that differences are short.
void put_late_frames(Packer& out, const LateFrames& frames) {
  out.put(frames.size());
  std::int64_t offset = 0, ended_at = 0;
  for (const auto& [cut, late] : frames) {
    out.put_signed(cut.partition);
    out.put_signed(difference(cut.offset, offset));
    out.put_signed(late.missing);
    out.put_signed(difference(late.ended_at.value, ended_at));
    offset = cut.offset;
    ended_at = late.ended_at.value;
  }
}

void get_late_frames(Unpacker& in, LateFrames& frames) {
  std::int64_t offset = 0, ended_at = 0;
  for (auto left = in.get_count(); left > 0 && in.good(); --left) {
    const auto partition = in.get_signed();
    offset = sum(offset, in.get_signed());
    const auto missing = in.get_signed();
    ended_at = sum(ended_at, in.get_signed());
    if (partition < 0 || partition > std::numeric_limits<std::int32_t>::max()) continue;
    if (offset < 0 || missing < 1 || ended_at < 0) continue;  // nobody wrote that: it says nothing
    frames[{static_cast<std::int32_t>(partition), offset}] = {missing, Offset{ended_at}};
  }
}

}  // namespace

std::size_t forget_late_frames(LateFrames& frames, Offset front) {
  std::erase_if(frames, [front](const auto& one) { return front.value - one.second.ended_at.value > kLateTilesReach; });
  std::size_t too_many = 0;
  for (; frames.size() > kMostLateFrames; ++too_many)
    frames.erase(std::min_element(frames.begin(), frames.end(),
                                  [](const auto& a, const auto& b) { return a.second.ended_at < b.second.ended_at; }));
  return too_many;
}

std::string pack(const CommitMetadata& metadata) {
  // Upstream names are written once and referred to by index.
  std::map<std::string, std::uint64_t> names;
  const auto note = [&](const Upstream& upstream) { names.try_emplace(upstream.name, 0); };
  for (const auto& [upstream, key] : metadata.watermarks.all()) note(upstream);
  for (const auto& [upstream, keys] : metadata.finished) note(upstream);
  for (const auto& upstream : metadata.ended) note(upstream);

  Packer out;
  out.put(metadata.given_up.empty() ? kVersion : kVersionOfLateFrames);
  out.put(metadata.forwarded_end ? 1 : 0);
  for (const auto field : kCounters) out.put_signed(metadata.counters.*field);
  out.put(names.size());
  std::uint64_t index = 0;
  for (auto& [name, number] : names) {
    number = index++;
    out.put_text(name);
  }
  const auto put_upstream = [&](const Upstream& upstream) {
    out.put(names.at(upstream.name));
    out.put_signed(upstream.partition.value);
  };
  out.put(metadata.watermarks.all().size());
  for (const auto& [upstream, key] : metadata.watermarks.all()) {
    put_upstream(upstream);
    put_key(out, key);
  }
  out.put(metadata.finished.size());
  for (const auto& [upstream, keys] : metadata.finished) {
    put_upstream(upstream);
    out.put(keys.size());
    OriginKey last;
    for (const auto key : keys) {  // rising: differences are short
      out.put_signed(difference(key.major, last.major));
      out.put_signed(key.minor);
      last = key;
    }
  }
  out.put(metadata.ended.size());
  for (const auto& upstream : metadata.ended) put_upstream(upstream);
  if (!metadata.given_up.empty()) put_late_frames(out, metadata.given_up);
  if (metadata.warm_from) out.put_signed(metadata.warm_from->value);
  return to_base64(out.bytes());
}

Result<CommitMetadata> unpack_commit_metadata(std::string_view text) {
  if (text.empty()) return CommitMetadata{};
  const Error bad{ErrorCode::corrupt,
                  "the commit's metadata was not written by RIDE (does another client commit in this "
                  "group?)"};
  std::string bytes;
  if (!from_base64(text, bytes)) return bad;
  Unpacker in(bytes);
  const auto version = in.get();
  if (in.good() && version != kVersion && version != kVersionOfLateFrames)
    return Error{ErrorCode::unsupported, "the commit's metadata is of version " + std::to_string(version) +
                                             ", this build reads up to " + std::to_string(kVersionOfLateFrames)};
  CommitMetadata out;
  out.forwarded_end = in.get() == 1;
  for (const auto field : kCounters) out.counters.*field = in.get_signed();
  std::vector<std::string> names(in.get_count());
  for (auto& name : names) name = in.get_text();
  const auto get_upstream = [&]() -> Upstream {
    const auto index = in.get();
    const auto partition = PartitionId{static_cast<std::int32_t>(in.get_signed())};
    return {index < names.size() ? names[index] : std::string(), partition};
  };
  for (auto left = in.get_count(); left > 0 && in.good(); --left) {
    const auto upstream = get_upstream();
    out.watermarks.raise(upstream, get_key(in));
  }
  for (auto left = in.get_count(); left > 0 && in.good(); --left) {
    auto& keys = out.finished[get_upstream()];
    std::int64_t major = 0;
    for (auto more = in.get_count(); more > 0 && in.good(); --more) {
      major = sum(major, in.get_signed());
      keys.insert({major, in.get_signed()});
    }
  }
  for (auto left = in.get_count(); left > 0 && in.good(); --left) out.ended.insert(get_upstream());
  if (in.good() && version == kVersionOfLateFrames) get_late_frames(in, out.given_up);
  if (in.good() && !in.at_end()) out.warm_from = Offset{in.get_signed()};
  if (!in.good()) return bad;
  return out;
}

std::int64_t max_packed_bytes(const std::vector<UpstreamSpec>& upstreams) {
  constexpr std::int64_t kVarint = 10;
  // Records that are no frames (the topic's name), frames that are replayed.
  constexpr std::int64_t kOddLines = std::int64_t{2} * 300;
  std::int64_t bytes = 2 + kVarint * (6 + 4) + kOddLines;
  for (const auto& upstream : upstreams)
    bytes += static_cast<std::int64_t>(upstream.name.size()) + kVarint + upstream.partitions * (8 + 2 * kVarint);
  return (bytes * 4 + 2) / 3;
}

}  // namespace ride::stream
