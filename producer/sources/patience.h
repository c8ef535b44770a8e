// How long a device or server may be silent: while it is opened (with the analysis of its stream), and between two
// pictures. A camera that is joined within its stream sends nothing to decode before its next key frame, seconds later
// with many.
#pragma once

#include <chrono>

#include "source_kinds/timeouts.h"

namespace ride::producer {

struct Patience {
  std::chrono::milliseconds connect = kConnectTimeout, read = kReadTimeout;
};

}  // namespace ride::producer
