// WrittenLog: notes down each file that a sink has put in its place, for `ride run --resume` (decision 0046). Nothing
// is kept unless this process was asked to (keep_written_logs), and nothing of frames that came from no file. Owner:
// one task. Threads: note() from any, one call at a time inside. Failure: none for the caller: a file that is not noted
// down is written again by the next run, so a log that cannot be written is reported once, and the picture is safe all
// the same.
#pragma once

#include <mutex>
#include <string>

#include "common/frame.h"

namespace ride::tasks {

// The recipe of the topology that this process works for; empty: no logs. To be called once, before a task is opened.
void keep_written_logs(std::string recipe);

class WrittenLog {
 public:
  WrittenLog() = default;
  // `path_template`: of the sink's files.
  WrittenLog(const std::string& path_template, const std::string& job, std::string sink);
  WrittenLog(const WrittenLog&) = delete;
  WrittenLog& operator=(WrittenLog&& other) noexcept;  // while nobody calls note()
  ~WrittenLog();

  // The file is in its place.
  void note(const Frame& frame, const std::string& path);

 private:
  bool open_log();
  void warn(const std::string& why);

  std::mutex mutex_;
  std::string log_, sink_;
  int fd_ = -1;
  bool warned_ = false;
};

}  // namespace ride::tasks
