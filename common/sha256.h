// SHA-256 (FIPS 180-4), by which files are pinned. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace ride {

std::string sha256_hex(std::string_view bytes);  // 64 small hexadecimal digits

}  // namespace ride
