// The text beside a committed offset, as another client might have left it. `:` before it: the bytes that are packed
// into base64, so that mutations reach them.
#include "stream/core/commit_metadata.h"

#include "common/check.h"
#include "tests/fuzz/records.h"

namespace {

std::string to_base64(std::string_view bytes) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  unsigned bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = (bits << 8 | static_cast<unsigned char>(c)) & 0xffff;
    for (count += 8; count >= 6;) out += kAlphabet[bits >> (count -= 6) & 63];
  }
  if (count > 0) out += kAlphabet[bits << (6 - count) & 63];
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = std::string(ride::fuzz::as_text(data, size));
  if (text.starts_with(':')) text = to_base64(std::string_view(text).substr(1));
  const auto metadata = ride::stream::unpack_commit_metadata(text);
  if (!metadata.ok()) return 0;
  const auto packed = pack(*metadata);
  const auto again = ride::stream::unpack_commit_metadata(packed);
  RIDE_CHECK(again.ok() && *again == *metadata, "metadata does not survive being packed");
  RIDE_CHECK(pack(*again) == packed, "metadata changes each time that it is packed");
  return 0;
}
