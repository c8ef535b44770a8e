// DurableFile: a file that appears under its name whole or not at all. Written beside its place under a name of its own
// (".<name>.<stage>-<kernel>.<worker>.<pid>-<n>.ride-tmp"), synced, renamed; then its folder is synced. Not committed,
// it is removed by the destructor. Who writes one holds a lock on it (flock), so that what a killed process left is
// known: its lock is free. The next DurableFile of the same stage in that folder removes those, whenever partitions
// were taken over since it looked last (look_for_leftovers). Locks may not reach other machines: a file of another
// kernel is removed when nobody has written to it for ten minutes, and of others (another stage, a file system without
// locks) what nobody has written to for an hour. Where somebody removed the temporary file all the same, commit()
// writes it anew. Owner: one thread at a time. Failure: Errors name the path, the system's reason and what to do; full
// disks and missing rights are retriable, since a person can fix them while the frame waits; a name that the file
// system does not take is not. SIGXFSZ must be ignored where limits are set.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "common/result.h"
#include "worker/tasks/output_place.h"

namespace ride::tasks {

// Who writes: the stage (of whatever run), whose leftovers are ours to remove, and the worker, which keeps two writers
// of one name apart.
struct FileWriter {
  std::string job, stage, worker;
};

// Partitions were taken over: their last owner may have left something. Any thread.
void look_for_leftovers();

class DurableFile {
 public:
  // Makes missing folders. `sync` false: no fsync at all.
  static Result<DurableFile> create(const std::string& path, const FileWriter& writer, bool sync);

  DurableFile(DurableFile&& other) noexcept;
  DurableFile& operator=(DurableFile&& other) noexcept;
  ~DurableFile();

  Result<void> write(std::span<const std::uint8_t> bytes);
  Result<void> write_at(std::int64_t offset, std::span<const std::uint8_t> bytes);  // within what is written
  Result<void> cut(std::int64_t size);  // takes back what was written behind `size`
  std::int64_t size() const { return size_; }
  const std::string& path() const { return place_.path(); }
  // Puts the file in its place, over what is there. The object is then done. May be called again after an Error, except
  // after a failed sync: what the disk holds is unknown then, and it fails from there on.
  Result<void> commit();

 private:
  DurableFile(OutputPlace place, std::string temporary, int fd, bool sync);
  void discard();
  void close_all();
  Result<void> sync_and_close();
  bool put_in_place();  // false: errno says why
  Result<void> write_anew();

  OutputPlace place_;
  std::string temporary_;  // its name in the folder, until it is in its place
  int fd_ = -1;
  int lock_ = -1;  // holds the lock while fd_ is closed already, for what its close() says, and not yet renamed
  bool sync_ = true;
  int sync_failure_ = 0;  // errno
  std::int64_t size_ = 0;
};

// Whether the file at this place holds exactly these bytes; false for a link.
bool holds_same_bytes(const OutputPlace& place, std::span<const std::uint8_t> bytes);

}  // namespace ride::tasks
