#include "cli/core/record_view.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/json.h"
#include "common/text.h"
#include "stream/core/origin.h"

namespace ride::cli {
namespace {

constexpr std::size_t kMostText = 4096;

const char* kind_of(const RecordFacts& facts) {
  if (!facts.frame) return facts.problem.empty() ? "foreign" : "unreadable";
  switch (facts.frame->kind) {
    case stream::RecordKind::frame:
      return "frame";
    case stream::RecordKind::outcome:
      return "outcome";
    case stream::RecordKind::end:
      return "end";
  }
  return "frame";
}

// Text that a terminal can show as it is.
bool is_text(std::span<const std::uint8_t> value) {
  return !value.empty() && std::all_of(value.begin(), value.end(), [](std::uint8_t byte) {
    return byte >= 0x20 || byte == '\n' || byte == '\t' || byte == '\r';
  }) && value.front() < 0x7f;
}

// A string that JSON can hold: what is no UTF-8 is replaced.
std::string clean(const std::string& text) {
  const nlohmann::json quoted = text;
  return nlohmann::json::parse(quoted.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))
      .get<std::string>();
}

double age_ms(SystemTime then, SystemTime now) { return std::chrono::duration<double, std::milli>(now - then).count(); }

std::string what_it_holds(const stream::RecordHeader& frame, std::int64_t bytes) {
  if (frame.kind == stream::RecordKind::end) return "end of the input";
  if (frame.kind == stream::RecordKind::outcome)
    return fmt::format("{}{}", to_string(frame.outcome), frame.reason.empty() ? "" : ": " + frame.reason);
  std::string text = frame.content_type;
  if (frame.pixels)
    text += fmt::format(" {} {}{}", shape_text(*frame.pixels), stream::depth_text(frame.pixels->depth),
                        frame.compressed ? " zstd" : "");
  text += ", " + format_byte_size({bytes});
  if (frame.chunk)
    text += fmt::format(", chunk {} of {} of a picture of {}", frame.chunk->index + 1, frame.chunk->count,
                        format_byte_size({frame.chunk->total}));
  return text;
}

}  // namespace

RecordFacts facts_of(const stream::Record& record) {
  RecordFacts facts{.at = record.at,
                    .offset = record.offset,
                    .timestamp = record.timestamp,
                    .key = record.key,
                    .headers = record.headers,
                    .bytes = static_cast<std::int64_t>(record.value.size())};
  if (is_text(record.value))
    facts.text.assign(record.value.begin(),
                      record.value.begin() + static_cast<std::ptrdiff_t>(std::min(kMostText, record.value.size())));
  auto header = stream::decode_header(record.headers);
  if (header.ok()) {
    facts.frame = std::move(*header);
  } else if (header.error().code != ErrorCode::not_found) {
    facts.problem = header.error().message;
  }
  return facts;
}

std::string render_record(const RecordFacts& facts, const Style& style, SystemTime now) {
  std::string text =
      fmt::format("{} {}\n", style.paint(fmt::format("{} @ {}", to_string(facts.at), facts.offset.value), Tone::bold),
                  kind_of(facts));
  const auto line = [&](const char* name, const std::string& value) {
    if (!value.empty()) text += fmt::format("  {:<10} {}\n", one_line(name), one_line(value));
  };
  if (!facts.problem.empty())
    text += fmt::format("  {:<10} {}\n", "problem", style.paint(one_line(facts.problem), Tone::bad));
  if (facts.frame) {
    const auto& frame = *facts.frame;
    line("frame", to_string(frame.id));
    line("from", frame.job + "/" + frame.writer_stage + (frame.writer.empty() ? "" : " by " + frame.writer));
    line("holds", what_it_holds(frame, facts.bytes));
    if (frame.captured_at.time_since_epoch().count() > 0) {
      line("captured", fmt::format("{}, {:.1f} ms before it was written here, {} ago", format_time(frame.captured_at),
                                   std::max(0.0, age_ms(frame.captured_at, facts.timestamp)),
                                   format_duration(std::chrono::duration_cast<milliseconds>(now - frame.captured_at))));
    }
    if (frame.parts > 1) line("set", fmt::format("record {} of {}", frame.part + 1, frame.parts));
    for (const auto& [name, value] : frame.attributes) line(name.c_str(), value);
  } else {
    line("holds", fmt::format("{}", format_byte_size({facts.bytes})));
    line("written", format_time(facts.timestamp));
    line("key", clean(facts.key));
    if (!facts.text.empty()) text += "  " + printable_lines(facts.text) + "\n";
  }
  line("saved", facts.saved);
  text += style.paint("  headers\n", Tone::dim);
  for (const auto& [name, value] : facts.headers)
    text += style.paint(fmt::format("    {}: {}\n", one_line(clean(name)), one_line(clean(value))), Tone::dim);
  return text;
}

nlohmann::ordered_json record_to_json(const RecordFacts& facts, SystemTime now) {
  nlohmann::ordered_json json = {{"topic", facts.at.topic},      {"partition", facts.at.partition.value},
                                 {"offset", facts.offset.value}, {"timestamp", format_time(facts.timestamp)},
                                 {"kind", kind_of(facts)},       {"bytes", facts.bytes},
                                 {"key", clean(facts.key)}};
  json["headers"] = nlohmann::ordered_json::object();
  for (const auto& [name, value] : facts.headers) json["headers"][clean(name)] = clean(value);
  if (facts.frame) {
    const auto& frame = *facts.frame;
    json["id"] = to_string(frame.id);
    json["source"] = frame.id.source;
    json["session"] = frame.id.session.value;
    json["number"] = frame.id.number;
    json["job"] = frame.job;
    json["stage"] = frame.writer_stage;
    json["writer"] = frame.writer;
    json["captured_at"] = format_time(frame.captured_at);
    json["age_ms"] = age_ms(frame.captured_at, now);
    json["content_type"] = frame.content_type;
    json["part"] = frame.part;
    json["parts"] = frame.parts;
    if (frame.pixels) json["shape"] = shape_text(*frame.pixels);
    if (frame.pixels) json["depth"] = stream::depth_text(frame.pixels->depth);
    if (frame.chunk)
      json["chunk"] = {
          {"index", frame.chunk->index}, {"count", frame.chunk->count}, {"total_bytes", frame.chunk->total}};
    if (frame.kind == stream::RecordKind::outcome) json["outcome"] = to_string(frame.outcome);
    if (frame.kind == stream::RecordKind::outcome) json["reason"] = clean(frame.reason);
    json["attributes"] = nlohmann::ordered_json::object();
    for (const auto& [name, value] : frame.attributes) json["attributes"][clean(name)] = clean(value);
  } else if (!facts.text.empty()) {
    json["text"] = clean(facts.text);
  }
  if (!facts.problem.empty()) json["problem"] = facts.problem;
  if (!facts.saved.empty()) json["saved"] = facts.saved;
  return json;
}

}  // namespace ride::cli
