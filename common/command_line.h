// How every program of RIDE answers a command line that is wrong, and shows its help: one place for all of them.
// Include it where CLI11 is used already. Threads: one.
#pragma once

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace ride {

// For `catch (const CLI::ParseError&)` behind app.parse(): prints the help or version that was asked for (0), or on
// standard error what is wrong, the command's usage and where to read more (2). The value is the exit code.
int end_command_line(CLI::App& app, const CLI::ParseError& error);

}  // namespace ride
