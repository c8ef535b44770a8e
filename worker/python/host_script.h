// The Python that runs in children, as the build found it.
#pragma once

#include <string_view>

namespace ride::python {

std::string_view host_script();      // host.py: beside the user's class
std::string_view describe_script();  // describe.py: what a script declares

}  // namespace ride::python
