#include "common/written_line.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "common/output_folders.h"
#include "common/sha256.h"

namespace ride {
namespace {

constexpr std::string_view kForm = "ride1";
constexpr std::size_t kFields = 10, kSumDigits = 16;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f && c != '%')
      out += c;
    else
      out += fmt::format("%{:02X}", byte);
  }
  return out;
}

std::optional<std::string> unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned byte = 0;
    if (i + 2 >= text.size()) return std::nullopt;
    const char* end = text.data() + i + 3;
    if (const auto read = std::from_chars(text.data() + i + 1, end, byte, 16);
        read.ec != std::errc{} || read.ptr != end)
      return std::nullopt;
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return number;
}

std::int64_t nanoseconds(const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

std::string sum_of(std::string_view text) { return sha256_hex(text).substr(0, kSumDigits); }

}  // namespace

std::string to_text(const WrittenLine& line) {
  std::string text(kForm);
  for (const std::string& field : {line.recipe, line.sink, line.from, line.source, line.file,
                                   std::to_string(line.number), line.version, line.path, line.written})
    text += "\t" + escaped(field);
  return "\n" + text + "\t" + sum_of(text) + "\n";
}

std::optional<WrittenLine> parse_written_line(std::string_view text) {
  const auto tab = text.rfind('\t');
  if (text.size() > kLongestWrittenLine || tab == std::string_view::npos ||
      text.substr(tab + 1) != sum_of(text.substr(0, tab)))
    return std::nullopt;
  std::vector<std::string> fields;
  for (std::size_t at = 0; at <= tab;) {
    const auto end = text.find('\t', at);
    auto field = unescaped(text.substr(at, end - at));
    if (!field) return std::nullopt;
    fields.push_back(std::move(*field));
    at = end + 1;
  }
  if (fields.size() != kFields || fields[0] != kForm) return std::nullopt;
  const auto number = number_of(fields[6]);
  if (!number) return std::nullopt;
  return WrittenLine{.recipe = fields[1],
                     .sink = fields[2],
                     .from = fields[3],
                     .source = fields[4],
                     .file = fields[5],
                     .number = *number,
                     .version = fields[7],
                     .path = fields[8],
                     .written = fields[9]};
}

std::string file_version(std::int64_t bytes, std::int64_t changed_ns) {
  return fmt::format("{}@{}", bytes, changed_ns);
}

std::string file_version(const struct stat& state) {
  return S_ISREG(state.st_mode) ? file_version(state.st_size, nanoseconds(state.st_mtim)) : std::string();
}

std::string input_version(const struct stat& state) {
  if (!S_ISREG(state.st_mode)) return {};
  return fmt::format("{}/{}/{}", file_version(state), nanoseconds(state.st_ctim), state.st_ino);
}

std::string written_log_path(const std::string& path_template, std::string_view job, std::string_view sink) {
  const std::string folder = fixed_folder_of(path_template);
  const auto slash = folder.rfind('/');
  const std::string beside = slash == std::string::npos ? "" : folder.substr(0, slash + 1);
  return fmt::format("{}.ride-written-{}", beside, sum_of(fmt::format("{}/{}/{}", job, sink, folder)));
}

std::string done_list_name(std::string_view source) { return sum_of(source); }

std::string to_text(const DoneItems& items) {
  std::string text;
  for (const auto& [number, name] : items) text += fmt::format("{}\t{}\n", number, escaped(name));
  return text;
}

DoneItems parse_done_items(std::string_view text) {
  DoneItems items;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto line = text.substr(at, end - at);
    at = end + 1;
    const auto tab = line.find('\t');
    if (tab == std::string_view::npos) continue;
    const auto number = number_of(line.substr(0, tab));
    auto name = unescaped(line.substr(tab + 1));
    if (number && name) items[*number] = std::move(*name);
  }
  return items;
}

}  // namespace ride
