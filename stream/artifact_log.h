// Artifacts in and out of their topic (stream/core/artifact.h), over the ports of the log. Memory: one chunk, and what
// the reader has fetched ahead or the writer has in flight. Threads: the caller's; `stopped` is asked several times a
// second. Failure: retriable where the log does not answer; cancelled when stopped.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "stream/core/artifact.h"
#include "stream/ports.h"

namespace ride::stream {

using Stopped = std::function<bool()>;

// All that stands in the index now. not_found: there is no such topic.
Result<ArtifactIndex> read_artifact_index(RecordReader& reader, TopicAdmin& admin, const std::string& topic,
                                          const Stopped& stopped);

// Bytes of the file from `at` on: as many as are asked for, or an Error.
using ReadAt = std::function<Result<std::shared_ptr<const std::string>>(std::int64_t at, std::size_t bytes)>;

// Whether all chunks of `ref` are in the log and hold what `read` gives. Reads at most to the first that does not.
Result<bool> is_intact(RecordReader& reader, TopicAdmin& admin, const std::string& topic, const ArtifactRef& ref,
                       const ReadAt& read, const Stopped& stopped);

// Writes the chunks of `ref` (its offset is found here) and, when all are acknowledged, the record that completes it.
// invalid_argument: what was read has not the hash that `ref` names: the file was changed meanwhile.
Result<ArtifactRef> upload_artifact(RecordWriter& writer, const std::string& topic, ArtifactRef ref, const ReadAt& read,
                                    const Stopped& stopped);
// Says again that it is complete: a submit names it now. Void if it was withdrawn before: ask the index again.
Result<void> renew_artifact(RecordWriter& writer, const std::string& topic, const ArtifactRef& ref,
                            const Stopped& stopped);
// Says that it is about to be removed.
Result<void> withdraw_artifact(RecordWriter& writer, const std::string& topic, const ArtifactRef& ref,
                               const Stopped& stopped);
// Says that it stands again, as it was before that.
Result<void> restore_artifact(RecordWriter& writer, const std::string& topic, const ArtifactUpload& upload,
                              const Stopped& stopped);
// Deletes the record in the index alone.
Result<void> forget_artifact(RecordWriter& writer, const std::string& topic, const ArtifactRef& ref,
                             const Stopped& stopped);
// Deletes the record in the index, then all chunks; the disk is free when the broker has compacted the log.
Result<void> remove_artifact(RecordWriter& writer, const std::string& topic, const ArtifactRef& ref,
                             const Stopped& stopped);

using WriteAt = std::function<Result<void>(std::int64_t at, std::span<const std::uint8_t> bytes)>;

// Every chunk once, in the order of the log. What was written is still to be checked against the hash. not_found,
// final: not all of it is in the log (any more).
Result<void> download_artifact(RecordReader& reader, TopicAdmin& admin, const std::string& topic,
                               const ArtifactRef& ref, const WriteAt& write, const Stopped& stopped);

}  // namespace ride::stream
