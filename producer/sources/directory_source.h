// A folder of pictures, in order of their names. JPEG and PNG files keep their bytes; they are decoded as well where an
// output wants another encoding, and all else is decoded. Broken, unreadable and too large files become RejectedItem.
// Owner and threads: see producer/source.h.
#pragma once

#include <string>
#include <vector>

#include "common/written_line.h"
#include "producer/item_manifest.h"
#include "producer/source.h"
#include "producer/work_budget.h"

namespace ride::producer {

struct DirectoryOptions {
  std::string path;
  std::string shown = {};  // the same for messages and names, where variables filled in a part of it; empty: `path`
  std::string glob =
      "*";  // "*": every file with the ending of a picture; with a '/': matched against the whole relative path
  bool recursive = false;
  std::int64_t max_pixels = 0;  // 0: no limit
  std::vector<Codec> wanted;    // of outputs that name a codec: a file of another encoding is decoded for them
  DoneItems done = {};          // left out: that name at that number
  bool note_versions = false;   // each frame says which version of its file it is (kFileVersionAttribute)
  ItemWatch* watch = nullptr;   // outlives the source; null: nobody watches, and memory has no limit
};

// Relative paths of the files that match, sorted by their bytes. Hidden files and folders are left out; linked folders
// are not followed. A folder within that cannot be listed is an item of its own, "name/": it is reported and counted,
// and the others are read. not_found: no such folder, or nothing matches; permission: not readable. Messages: place,
// cause, fix.
Result<std::vector<std::string>> list_pictures(const DirectoryOptions& options);

class DirectorySource : public Source {
 public:
  DirectorySource(DirectoryOptions options, ItemManifest& manifest);

  Result<void> open(std::int64_t first) override;
  Result<Pulled> next(std::chrono::milliseconds timeout) override;
  void close() override {}
  SourceState state() const override;

 private:
  Result<std::vector<std::string>> list() const;
  Pulled read(const std::string& name) const;
  Result<CapturedFrame> frame_of(const std::string& path, const std::string& known, std::int64_t number) const;

  DirectoryOptions options_;
  ItemManifest& manifest_;
  std::vector<std::string> names_;
  std::int64_t done_ = 0;  // of them
  bool listed_ = false;
  std::int64_t next_ = 0;
};

}  // namespace ride::producer
