// OutputPlace: the folder of a file that a sink writes, opened so that nobody can lead the sink elsewhere meanwhile:
// what is done there goes by descriptor, not by path. Where this process is confined (ride-worker --output), the folder
// is reached from one of its output folders by the kernel's own rule (openat2, RESOLVE_BENEATH; on older kernels folder
// by folder, following no link). Owner: one thread. Failure: Errors name the path, the reason and what to do;
// permission: outside of the output folders.
#pragma once

#include <string>
#include <vector>

#include "common/result.h"

namespace ride::tasks {

// Sinks of this process write in these folders and nowhere else; relative ones are taken from the working folder. To be
// called once, before a task is opened. Not called: sinks write wherever the system lets them (tasks that are tried by
// hand).
void confine_outputs(const std::vector<std::string>& folders);

// Whether the path (or the template of one) lies in an output folder, as far as it can be read off it.
Result<void> check_output(const std::string& path);

bool outputs_are_confined();

class OutputPlace {
 public:
  // Makes missing folders; with `sync`, their entries are on the disk when this returns.
  static Result<OutputPlace> open(const std::string& path, bool sync);
  OutputPlace(OutputPlace&& other) noexcept;
  OutputPlace& operator=(OutputPlace&& other) noexcept;
  ~OutputPlace();

  int folder() const { return folder_; }             // for the *at() calls; opened with O_PATH
  const std::string& name() const { return name_; }  // in the folder
  const std::string& path() const { return path_; }  // as it was given, for messages
  Result<void> sync() const;                         // the folder's entries
  std::string folder_path() const;                   // for messages, and what is remembered of a folder

 private:
  OutputPlace(int folder, std::string path);
  int folder_ = -1;
  std::string path_, name_;
};

// The Error for a failed system call: "cannot <what> '<path>': <reason>; <fix>".
Error system_error(const std::string& what, const std::string& path, int error_number);
// The same where the call was given a name: one that the file system does not take (EINVAL, EILSEQ) fails for ever, not
// retriable.
Error name_error(const std::string& what, const std::string& path, int error_number);

}  // namespace ride::tasks
