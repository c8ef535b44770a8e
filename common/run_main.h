// The edge of every program: what nobody caught ends it with one line that says what it was and what to do, never with
// "terminate called". Call once, in main(). Threads: what leaves another thread ends the process the same way.
#pragma once

#include <exception>
#include <functional>
#include <string>

namespace ride {

// `program` stands before the line and has to live as long as the process. `body` returns the exit code; what it throws
// is printed on standard error, and the code is 1. Out of memory or of threads in another thread is 1 as well; any
// other exception that leaves a thread is a bug: it is logged, and the process aborts, so that there is a core.
int run_main(const char* program, const std::function<int()>& body);

// What was thrown, with cause and fix, for people; credentials are left out.
std::string words_of(const std::exception_ptr& thrown);

}  // namespace ride
