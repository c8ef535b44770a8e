#include "tests/fuzz/records.h"

#include <algorithm>
#include <charconv>

namespace ride::fuzz {
namespace {

constexpr std::size_t kMostRecords = 200, kMostBytes = 64 << 10;
constexpr std::string_view kHex = "0123456789abcdef";

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char kind = text[++i];
    if (kind == 'n') {
      out += '\n';
    } else if (kind == 'x' && i + 2 < text.size() && kHex.find(text[i + 1]) != kHex.npos &&
               kHex.find(text[i + 2]) != kHex.npos) {
      out += static_cast<char>(kHex.find(text[i + 1]) * 16 + kHex.find(text[i + 2]));
      i += 2;
    } else {
      out += kind;
    }
  }
  return out;
}

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte > 0x7e) {
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      out += c;
    }
  }
  return out;
}

std::string value_of(std::string_view line) {
  if (line.starts_with(':')) return unescape(line.substr(1)).substr(0, kMostBytes);
  std::size_t size = 0;
  std::from_chars(line.data(), line.data() + line.size(), size);
  return std::string(std::min(size, kMostBytes), 'v');
}

std::string header_lines(const stream::Headers& headers) {
  std::string out;
  for (const auto& [name, value] : headers) out += escape(name) + '=' + escape(value) + '\n';
  return out;
}

}  // namespace

std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::vector<TextRecord> read_records(std::string_view text) {
  std::vector<TextRecord> records(1);
  for (const auto line : lines_of(text)) {
    if (line == "--") {
      if (records.size() == kMostRecords) break;
      records.emplace_back();
    } else if (line.starts_with('@')) {
      records.back().value = value_of(line.substr(1));
    } else if (const auto equals = line.find('='); equals != line.npos) {
      records.back().headers.emplace_back(unescape(line.substr(0, equals)), unescape(line.substr(equals + 1)));
    }
  }
  return records;
}

std::string write_record(const stream::Headers& headers, std::string_view value) {
  return header_lines(headers) + "@:" + escape(value) + "\n--\n";
}

std::string write_record(const stream::Headers& headers, std::size_t bytes) {
  return header_lines(headers) + '@' + std::to_string(bytes) + "\n--\n";
}

}  // namespace ride::fuzz
