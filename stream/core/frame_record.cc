#include "stream/core/frame_record.h"

#include <spdlog/fmt/fmt.h>

#include <array>
#include <charconv>
#include <opencv2/core.hpp>
#include <string_view>

namespace ride::stream {

namespace {

constexpr std::array<const char*, 3> kOutcomes = {"filtered", "dropped", "dead"};
constexpr std::array<const char*, 3> kTypes = {"ride.frame", "ride.outcome", "ride.end"};
constexpr std::string_view kAttributePrefix = "ride_attr_";
constexpr std::size_t kLongestName = 1024;                       // of what names a record
constexpr std::int64_t kLargestPicture = std::int64_t{1} << 40;  // no picture of several records announces more
constexpr std::array<std::pair<int, const char*>, 7> kDepths = {{{CV_8U, "8u"},
                                                                 {CV_8S, "8s"},
                                                                 {CV_16U, "16u"},
                                                                 {CV_16S, "16s"},
                                                                 {CV_32S, "32s"},
                                                                 {CV_32F, "32f"},
                                                                 {CV_64F, "64f"}}};

// "a<separator>b<separator>c" as N integers, all of it used.
template <std::size_t N>
std::optional<std::array<std::int64_t, N>> split_ints(std::string_view text, char separator) {
  std::array<std::int64_t, N> values{};
  for (std::size_t i = 0; i < N; ++i) {
    const auto end = i + 1 < N ? text.find(separator) : text.size();
    if (end == std::string_view::npos) return std::nullopt;
    const auto part = text.substr(0, end);
    const auto [stop, error] = std::from_chars(part.data(), part.data() + part.size(), values[i]);
    if (error != std::errc() || stop != part.data() + part.size()) return std::nullopt;
    text = i + 1 < N ? text.substr(end + 1) : std::string_view();
  }
  return values;
}

// They are kept for as long as the record's set is not complete.
bool is_name(std::string_view header) {
  return header == "ce_id" || header == "ce_source" || header == "ride_origin" || header == "ride_writer";
}

Error corrupt(std::string_view header, std::string_view value) {
  return Error{ErrorCode::corrupt, fmt::format("header {}: '{}' is not what the frame format says", header, value)};
}

// What decode_header() collects before it is put together.
struct Seen {
  bool format = false, type = false, id = false, origin = false;
  std::string shape, depth;
};

Result<bool> read_identity(std::string_view name, const std::string& value, RecordHeader& out, Seen& seen) {
  if (name == "ce_type") {
    for (std::size_t i = 0; i < kTypes.size(); ++i)
      if (value == kTypes[i]) {
        out.kind = static_cast<RecordKind>(i);
        seen.type = true;
        return true;
      }
    return corrupt(name, value);
  }
  if (name == "ce_id") {
    auto id = parse_frame_id(value);
    if (!id.ok()) return corrupt(name, value);
    out.id = *id;
    seen.id = true;
    return true;
  }
  if (name == "ce_source") {
    const auto slash = value.rfind('/');
    out.job = slash == std::string::npos ? "" : value.substr(0, slash);
    out.writer_stage = slash == std::string::npos ? value : value.substr(slash + 1);
    return true;
  }
  if (name == "ce_time") {
    auto time = parse_time(value);
    if (!time.ok()) return corrupt(name, value);
    out.captured_at = *time;
    return true;
  }
  return name == "ce_specversion";
}

Result<bool> read_set(std::string_view name, const std::string& value, RecordHeader& out, Seen& seen) {
  if (name == "ride_origin") {
    auto origin = parse_origin(value);
    if (!origin.ok()) return corrupt(name, value);
    out.origin = *origin;
    seen.origin = true;
  } else if (name == "ride_part") {
    const auto part = split_ints<2>(value, '/');
    if (!part || (*part)[0] < 1 || (*part)[1] < (*part)[0] || (*part)[1] > 1'000'000) return corrupt(name, value);
    out.part = static_cast<int>((*part)[0]) - 1;
    out.parts = static_cast<int>((*part)[1]);
  } else if (name == "ride_item") {
    const auto item = split_ints<1>(value, '/');
    if (!item || (*item)[0] < 0 || (*item)[0] > 1'000'000) return corrupt(name, value);
    out.item = static_cast<int>((*item)[0]);
  } else if (name == "ride_chunk") {
    const auto chunk = split_ints<4>(value, '/');
    if (!chunk || (*chunk)[0] < 1 || (*chunk)[1] < (*chunk)[0] || (*chunk)[1] > 1'000'000 || (*chunk)[2] < 0 ||
        (*chunk)[3] < (*chunk)[2] || (*chunk)[3] > kLargestPicture)
      return corrupt(name, value);
    out.chunk = Chunk{static_cast<int>((*chunk)[0]) - 1, static_cast<int>((*chunk)[1]), (*chunk)[2], (*chunk)[3]};
  } else if (name == "ride_writer") {
    out.writer = value;
  } else {
    return false;
  }
  return true;
}

Result<bool> read_content(std::string_view name, const std::string& value, RecordHeader& out, Seen& seen) {
  if (name == "content-type") {
    out.content_type = value;
  } else if (name == "ride_shape") {
    seen.shape = value;
  } else if (name == "ride_depth") {
    seen.depth = value;
  } else if (name == "ride_compression") {
    if (value != "zstd") return corrupt(name, value);
    out.compressed = true;
  } else if (name == "ride_outcome") {
    for (std::size_t i = 0; i < kOutcomes.size(); ++i)
      if (value == kOutcomes[i]) {
        out.outcome = static_cast<Outcome>(i);
        return true;
      }
    return corrupt(name, value);
  } else if (name == "ride_reason") {
    out.reason = value;
  } else if (name == "traceparent") {
    out.traceparent = value;
  } else {
    return false;
  }
  return true;
}

}  // namespace

const char* to_string(Outcome outcome) { return kOutcomes[static_cast<std::size_t>(outcome)]; }

std::int64_t PixelFormat::bytes() const {
  return static_cast<std::int64_t>(rows) * cols * channels * static_cast<std::int64_t>(CV_ELEM_SIZE1(depth));
}

std::string shape_text(const PixelFormat& format) {
  return fmt::format("{}x{}x{}", format.rows, format.cols, format.channels);
}

std::string depth_text(int depth) {
  for (const auto& [code, text] : kDepths)
    if (code == depth) return text;
  return "unknown";
}

Result<PixelFormat> parse_pixel_format(const std::string& shape, const std::string& depth) {
  const auto sizes = split_ints<3>(shape, 'x');
  if (!sizes || (*sizes)[0] < 1 || (*sizes)[1] < 1 || (*sizes)[2] < 1 || (*sizes)[2] > 4 || (*sizes)[0] > 1'000'000 ||
      (*sizes)[1] > 1'000'000)
    return Error{ErrorCode::invalid_argument,
                 "shape '" + shape + "' is not rows x columns x channels (1..4), for example 900x900x1"};
  for (const auto& [code, text] : kDepths)
    if (depth == text)
      return PixelFormat{static_cast<int>((*sizes)[0]), static_cast<int>((*sizes)[1]), static_cast<int>((*sizes)[2]),
                         code};
  return Error{ErrorCode::invalid_argument, "depth '" + depth + "' is not one of 8u, 8s, 16u, 16s, 32s, 32f, 64f"};
}

Headers encode_header(const RecordHeader& header) {
  Headers out;
  out.reserve(16 + header.attributes.size() + header.passed_on.size());
  out.emplace_back("ce_specversion", "1.0");
  out.emplace_back("ce_type", kTypes[static_cast<std::size_t>(header.kind)]);
  out.emplace_back("ce_source", header.job + '/' + header.writer_stage);
  out.emplace_back("ce_id", to_string(header.id));
  out.emplace_back("ce_time", format_time(header.captured_at));
  if (!header.content_type.empty()) out.emplace_back("content-type", header.content_type);
  out.emplace_back("ride_format", std::to_string(kFormatVersion));
  out.emplace_back("ride_origin", to_string(header.origin));
  out.emplace_back("ride_part", fmt::format("{}/{}", header.part + 1, header.parts));
  if (header.item != 0) out.emplace_back("ride_item", std::to_string(header.item));
  if (header.chunk)
    out.emplace_back("ride_chunk", fmt::format("{}/{}/{}/{}", header.chunk->index + 1, header.chunk->count,
                                               header.chunk->begin, header.chunk->total));
  out.emplace_back("ride_writer", header.writer);
  if (header.pixels) {
    out.emplace_back("ride_shape", shape_text(*header.pixels));
    out.emplace_back("ride_depth", depth_text(header.pixels->depth));
  }
  if (header.compressed) out.emplace_back("ride_compression", "zstd");
  if (header.kind == RecordKind::outcome) out.emplace_back("ride_outcome", to_string(header.outcome));
  if (!header.reason.empty()) out.emplace_back("ride_reason", header.reason);
  if (!header.traceparent.empty()) out.emplace_back("traceparent", header.traceparent);
  for (const auto& [name, value] : header.attributes) out.emplace_back(std::string(kAttributePrefix) + name, value);
  out.insert(out.end(), header.passed_on.begin(), header.passed_on.end());
  return out;
}

Result<RecordHeader> decode_header(const Headers& headers) {
  const std::string* format = nullptr;
  for (const auto& [name, value] : headers)
    if (name == "ride_format") format = &value;
  if (format == nullptr) return Error{ErrorCode::not_found, "no ride_format header: the record is not a RIDE frame"};
  if (*format != std::to_string(kFormatVersion))
    return Error{ErrorCode::unsupported,
                 fmt::format("frame format version '{}' is not known here (this build reads {}); "
                             "update RIDE on this node",
                             *format, kFormatVersion)};
  RecordHeader out;
  Seen seen;
  for (const auto& [name, value] : headers) {
    if (name == "ride_format") continue;
    if (value.size() > kLongestName && is_name(name))
      return Error{ErrorCode::corrupt,
                   fmt::format("header {} is {} bytes long; at most {} are allowed", name, value.size(), kLongestName)};
    if (name.starts_with(kAttributePrefix)) {
      out.attributes[name.substr(kAttributePrefix.size())] = value;
      continue;
    }
    bool known = false;
    for (auto* read : {&read_identity, &read_set, &read_content}) {
      RIDE_ASSIGN(auto result, (*read)(name, value, out, seen));
      known = known || result;
    }
    if (!known) out.passed_on.emplace_back(name, value);
  }
  if (!seen.type || !seen.id || !seen.origin)
    return Error{ErrorCode::corrupt, "a RIDE record without ce_type, ce_id or ride_origin"};
  if (!seen.shape.empty()) {
    auto pixels = parse_pixel_format(seen.shape, seen.depth);
    if (!pixels.ok()) return Error{ErrorCode::corrupt, pixels.error().message};
    out.pixels = *pixels;
  }
  return out;
}

PartitionId home_partition(const FrameId& id, PartitionBy by, int partitions, int tile_group) {
  RIDE_CHECK(partitions > 0, "a topic has at least one partition");
  std::uint64_t value = 0;
  switch (by) {
    case PartitionBy::frame:
      value = static_cast<std::uint64_t>(id.number);
      break;
    case PartitionBy::tile:
      value = static_cast<std::uint64_t>(id.number) + static_cast<std::uint64_t>(tile_group);
      break;
    case PartitionBy::source:  // FNV-1a: stable over builds and machines, unlike std::hash
      value = 14695981039346656037ULL;
      for (const char c : id.source) value = (value ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
      break;
  }
  return PartitionId{static_cast<std::int32_t>(value % static_cast<std::uint64_t>(partitions))};
}

}  // namespace ride::stream
