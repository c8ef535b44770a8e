// SHA-256 (FIPS 180-4), by which files are pinned. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace ride {

std::string sha256_hex(std::string_view bytes);  // 64 small hexadecimal digits

// The same of bytes that come in pieces, as those of a file that is not held in memory. Value semantics.
class Sha256 {
 public:
  void add(std::string_view bytes);
  std::string hex() const;  // of all that was added

 private:
  // Of the square roots of the first eight primes.
  std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::string rest_;  // less than a block
  std::uint64_t bytes_ = 0;
};

// 64 small hexadecimal digits.
bool is_sha256_hex(std::string_view text);

}  // namespace ride
