// Credentials do not reach a log, a screen or an answer. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace ride {

// "rtsp://user:secret@host/x" -> "rtsp://***@host/x", also "password=..." and "sasl.password" values. Pure.
std::string redact(std::string_view text);

}  // namespace ride
