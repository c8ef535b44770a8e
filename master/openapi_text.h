// docs/openapi.json as it was when this program was built.
#pragma once

#include <string>

namespace ride::master {
const std::string& openapi_text();
}  // namespace ride::master
