// A text that is shown again and again in its own place on a terminal; on a pipe it is printed each time. The cursor is
// hidden meanwhile and given back by the destructor. Owner: one thread.
#pragma once

#include <cstddef>
#include <string>

namespace ride::cli {

class LiveScreen {
 public:
  LiveScreen();
  ~LiveScreen();
  LiveScreen(const LiveScreen&) = delete;
  LiveScreen& operator=(const LiveScreen&) = delete;

  // Replaces what was shown before. Lines that do not fit into the window are left out, so nothing scrolls.
  void show(const std::string& text);
  // Prints above what is shown; it is shown again with the next show().
  void say(const std::string& line);
  // Leaves the last text on the screen and goes on below it.
  void leave();

 private:
  void erase();

  bool tty_;
  std::size_t lines_ = 0;  // that are ours on the screen now
};

}  // namespace ride::cli
