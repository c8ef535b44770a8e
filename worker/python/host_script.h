// The Python that runs in a child beside the user's class: host.py, as the build found it.
#pragma once

#include <string_view>

namespace ride::python {

std::string_view host_script();

}  // namespace ride::python
