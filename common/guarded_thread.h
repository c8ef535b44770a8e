// A thread with an edge: no exception leaves it. What is thrown inside is reported to whoever can end in order; where
// nobody can, the process ends with a message instead of std::terminate. Failure: std::system_error when there is no
// thread.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "common/result.h"

namespace ride {

// Says why and ends the process with exit code 1: whoever watches it starts another one.
[[noreturn]] void end_process(const Error& error);

// `name` stands in the message ("the reader"); `failed` is called on the thread, last of all.
std::thread guarded_thread(
    std::string name, std::function<void()> body,
    std::function<void(Error)> failed = [](const Error& error) { end_process(error); });

// The same for a thread that is already there.
void run_guarded(const std::string& name, const std::function<void()>& body, const std::function<void(Error)>& failed);

}  // namespace ride
