// Who may use the API, decided from a request's head: no web page of somebody else (Host and Origin), and, where the
// master has tokens, nobody without one. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/http_head.h"
#include "master/api.h"

namespace ride::master {

struct HttpAccess {
  bool on_loopback = true;          // the server listens there, and only loopback's names are its own
  std::vector<std::string> names;   // elsewhere: its names, besides addresses and localhost
  std::vector<std::string> tokens;  // empty: nobody is asked for one
};

// The host of "HOST", "HOST:PORT", "[V6]" or "[V6]:PORT", without brackets; nothing where the text is none of these.
std::optional<std::string> host_of_authority(std::string_view authority);

// The answer to who may not; nothing for who may.
std::optional<ApiResponse> refuse_access(const HttpAccess& access, const HttpHead& head);

}  // namespace ride::master
