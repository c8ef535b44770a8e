// Bytes of a message in the protocol buffers' wire format (protobuf.dev, "Encoding"): as much of it as a GraphDef
// needs. Pure; owns its bytes.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace ride::models {

class ProtoWriter {
 public:
  // Of types int32, int64, bool and enum: negative ones as 64 bits.
  ProtoWriter& number(int field, std::int64_t value) {
    varint(key(field, 0));
    varint(static_cast<std::uint64_t>(value));
    return *this;
  }
  // Of types string, bytes and messages, and of packed numbers.
  ProtoWriter& bytes(int field, std::string_view value) {
    varint(key(field, 2));
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  ProtoWriter& message(int field, const ProtoWriter& value) { return bytes(field, value.bytes_); }
  ProtoWriter& real(int field, float value) {
    varint(key(field, 5));
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) bytes_ += static_cast<char>(bits >> shift & 0xff);
    return *this;
  }
  ProtoWriter& varint(std::uint64_t value) {
    for (; value > 0x7f; value >>= 7) bytes_ += static_cast<char>((value & 0x7f) | 0x80);
    bytes_ += static_cast<char>(value);
    return *this;
  }

  const std::string& text() const { return bytes_; }

 private:
  static std::uint64_t key(int field, int wire_type) { return static_cast<std::uint64_t>(field) << 3 | wire_type; }
  std::string bytes_;
};

}  // namespace ride::models
