// The text that inputs of the fuzz targets are made of, so that a mutation of it is a mutation of one field: records of
// `name=value` lines (the headers), an optional line `@BYTES` (the value: so many bytes) or `@:TEXT` (the value
// itself), and a line `--` between two records. In values \n, \\ and \xHH stand for bytes that would end the line.
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "stream/ports.h"

namespace ride::fuzz {

struct TextRecord {
  stream::Headers headers;
  std::string value;

  std::span<const std::uint8_t> bytes() const {
    return {reinterpret_cast<const std::uint8_t*>(value.data()), value.size()};
  }
};

std::string_view as_text(const std::uint8_t* data, std::size_t size);
std::vector<std::string_view> lines_of(std::string_view text);

// At most 200 records, each value at most 64 KB.
std::vector<TextRecord> read_records(std::string_view text);
std::string write_record(const stream::Headers& headers, std::string_view value);  // the value itself
std::string write_record(const stream::Headers& headers, std::size_t bytes);       // only its length

}  // namespace ride::fuzz
