#include "stream/artifact_ship.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/units.h"

namespace ride::stream {
namespace {

constexpr int kShipRounds = 5;
constexpr std::size_t kMostCompared = 2;  // uploads of one content: who writes the index could list any number

class Shipment {
 public:
  Shipment(const ArtifactPorts& ports, const ShipOptions& options, const Stopped& stopped)
      : ports_(ports), options_(options), stopped_(stopped) {}

  Result<std::map<std::string, ArtifactRef>> ship(const std::vector<LocalArtifact>& files) {
    for (int round = 0; round < kShipRounds; ++round) {
      RIDE_ASSIGN(const auto index, read_index());
      if (const auto text = refusals_text(index, ports_.topic); !text.empty() && round == 0) options_.say(text);
      for (const auto& file : files) {
        if (placed_.contains(file.ref.sha256)) continue;
        RIDE_ASSIGN(placed_[file.ref.sha256], place(index, file));
      }
      RIDE_ASSIGN(const bool all, name_all());
      if (all) return placed_;
    }
    return Error{ErrorCode::unavailable,
                 fmt::format("what is shipped into {} is removed again at once: wait for the 'ride artifacts prune' "
                             "that does it, and submit again",
                             ports_.topic)};
  }

 private:
  Result<ArtifactIndex> read_index() const {
    return read_artifact_index(ports_.reader, ports_.admin, ports_.topic, stopped_);
  }

  Result<ArtifactRef> place(const ArtifactIndex& index, const LocalArtifact& file) const {
    RIDE_ASSIGN(const auto chunks, ports_.admin.range(artifact_chunks(ports_.topic)));
    auto found = index.find(file.ref.sha256);
    std::erase_if(found, [&](const auto* upload) {
      return upload->ref.size != file.ref.size || upload->ref.offset >= chunks.end.value;
    });
    found.resize(std::min(found.size(), kMostCompared));
    for (const auto* upload : found) {
      if (options_.trusted.contains(upload_key(upload->ref))) return upload->ref;
      RIDE_ASSIGN(const bool intact,
                  is_intact(ports_.reader, ports_.admin, ports_.topic, upload->ref, file.read, stopped_));
      if (intact) return upload->ref;
    }
    auto ref = file.ref;
    ref.upload = options_.new_upload();
    options_.say(fmt::format("{} {} ({}, sha256 {})", found.empty() ? "ships" : "what Kafka holds is damaged: ships",
                             file.path, format_byte_size({ref.size}), ref.sha256.substr(0, 12)));
    auto uploaded = upload_artifact(ports_.writer, ports_.topic, ref, file.read, stopped_);
    if (uploaded.ok()) return uploaded;
    auto error = uploaded.error();
    error.message = fmt::format("{} cannot be shipped: {}", file.path, error.message);
    return error;
  }

  // False: some were withdrawn before, and are to be shipped again.
  Result<bool> name_all() {
    for (const auto& [hash, ref] : placed_) RIDE_TRY(renew_artifact(ports_.writer, ports_.topic, ref, stopped_));
    RIDE_ASSIGN(const auto index, read_index());
    bool all = true;
    for (auto one = placed_.begin(); one != placed_.end();) {
      const auto& ref = one->second;
      if (index.stands(ref)) {
        ++one;
        continue;
      }
      // The broker forgets the deletion one day, and then our record would say that it is there.
      if (!index.uploads().contains(upload_key(ref)))
        RIDE_TRY(forget_artifact(ports_.writer, ports_.topic, ref, stopped_));
      one = placed_.erase(one);
      all = false;
    }
    return all;
  }

  const ArtifactPorts& ports_;
  const ShipOptions& options_;
  const Stopped& stopped_;
  std::map<std::string, ArtifactRef> placed_;  // by content
};

}  // namespace

Result<std::map<std::string, ArtifactRef>> ship_artifacts(const ArtifactPorts& ports,
                                                          const std::vector<LocalArtifact>& files,
                                                          const ShipOptions& options, const Stopped& stopped) {
  return Shipment(ports, options, stopped).ship(files);
}

Result<Pruned> prune_artifacts(const ArtifactPorts& ports, const std::vector<ArtifactRef>& uploads,
                               std::chrono::milliseconds grace, const AskUses& uses, const Stopped& stopped) {
  for (const auto& ref : uploads) RIDE_TRY(withdraw_artifact(ports.writer, ports.topic, ref, stopped));
  RIDE_ASSIGN(const auto index, read_artifact_index(ports.reader, ports.admin, ports.topic, stopped));
  // A submit whose name came before the withdrawal may have been accepted since.
  RIDE_ASSIGN(const auto used, uses());
  Pruned pruned;
  for (const auto& ref : uploads) {
    const auto key = upload_key(ref);
    const auto known = index.uploads().find(key);
    if (known == index.uploads().end()) continue;  // another prune was faster
    if (index.may_be_removed(key, grace) && !used.contains(key)) {
      RIDE_TRY(remove_artifact(ports.writer, ports.topic, ref, stopped));
      pruned.removed.push_back(ref);
    } else {
      if (known->second.withdrawn) RIDE_TRY(restore_artifact(ports.writer, ports.topic, known->second, stopped));
      pruned.kept.push_back(ref);
    }
  }
  return pruned;
}

}  // namespace ride::stream
