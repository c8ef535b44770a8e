// A file by which processes exclude each other (flock): held until the object is destroyed, or until the last process
// that inherited its descriptor ends. Owner: the object. Threads: one at a time.
#pragma once

#include <filesystem>
#include <string>
#include <system_error>

#include "process/descriptor.h"

namespace ride::process {

class FileLock {
 public:
  // Makes the file if need be; nothing is held yet. Not ok(): `why` says why.
  FileLock(const std::filesystem::path& file, std::error_code& why, unsigned mode = 0644);
  FileLock() = default;

  bool ok() const { return file_.ok(); }
  // An error other than operation_would_block (another process holds it): the file's system knows no locks.
  std::error_code try_lock();
  void lock();  // waits

  int descriptor() const { return file_.get(); }  // for a child to inherit, which then holds it, too
  void write(const std::string& text);            // all that the file says: for messages, so a failure is no error

 private:
  Descriptor file_;
};

}  // namespace ride::process
