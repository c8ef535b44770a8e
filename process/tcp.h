// TCP connections for looking: does anything take them there, does it speak TLS. Each call blocks up to its deadline.
// Threads: any.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>

#include "process/descriptor.h"

namespace ride::process {

using TcpDeadline = std::chrono::steady_clock::time_point;

// Not ok(): nobody takes it in time, or the host has no address. The descriptor does not block.
Descriptor open_connection(const std::string& host, int port, TcpDeadline deadline);
// False: the other side has closed it, or the time is over.
bool send_all(int socket, std::span<const std::uint8_t> bytes, TcpDeadline deadline);
bool receive_all(int socket, std::span<std::uint8_t> bytes, TcpDeadline deadline);

// Does anything take connections there?
bool listens(const std::string& host, int port, std::chrono::milliseconds timeout);
// Sends the beginning of a TLS connection: true only when TLS comes back, so a listener that goes away just now is
// none.
bool speaks_tls(const std::string& host, int port, std::chrono::milliseconds timeout);

}  // namespace ride::process
