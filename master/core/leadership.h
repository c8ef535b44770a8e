// Leadership: which of several masters decides (decision 0008). A state machine without clock or randomness: the shell
// feeds what it reads, asks due() what to append, and acts as leader only while role() says so. Time is a span since
// any fixed point and never falls. Pure; one thread; a copy may be looked at by others.
//
//   reading ──▶ standby ──▶ claiming ──▶ leading
//                  ▲            │            │  another claim stands, or its writer broke
//                  └────────────┴────────────┘
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "stream/control.h"

namespace ride::master {

class Leadership {
 public:
  using Moment = std::chrono::milliseconds;
  struct Rules {
    std::chrono::milliseconds silence{1000};        // without a valid tick: then a standby claims
    std::chrono::milliseconds spread{200};          // ... and up to this later, so that two rarely claim at once
    std::chrono::milliseconds claim_timeout{1000};  // a claim that was not read back by then is given up
    std::chrono::milliseconds backoff{500};         // wait between half and one and a half of it before the next
    std::chrono::milliseconds lease{400};           // a leader that wrote nothing for so long writes its claim again
    std::chrono::milliseconds lately{1000};         // no ticks without a write within it
    std::chrono::milliseconds pause{500};           // who was not asked for so long was stopped, and listens first
  };
  enum class Role { reading, standby, claiming, leading };

  Leadership(std::string id, std::string http) : Leadership(std::move(id), std::move(http), Rules{}) {}
  Leadership(std::string id, std::string http, Rules rules);

  // All that stood in the decisions log at the start (or after overtaken()) has been read.
  void caught_up(Moment now);
  // Truncation overtook the reader: it begins again, and decides nothing until it has caught up.
  void overtaken();
  // After every claim that counts, in log order. Makes this process leader, or standby.
  void stands(const stream::Claim& claim, Moment now);
  // A tick of the standing leader was read.
  void ticked(Moment now);
  // A record of ours that was sent at `sent` is acknowledged and read back.
  void wrote(Moment sent);
  // Our writer broke: what is on its way may never land. From now on we are another candidate, named `id`.
  void step_down(std::string id, Moment now);

  // Call often. A claim to append: one that nobody holds yet, or our own again (the lease). `random` in [0, 1).
  std::optional<stream::Claim> due(Moment now, double random, std::chrono::milliseconds tick_interval);
  // What a leader that ends appends, so that nobody has to wait: the next claim, for nobody.
  std::optional<stream::Claim> farewell() const;

  Role role() const { return role_; }
  bool leads() const { return role_ == Role::leading; }
  bool may_tick(Moment now) const { return leads() && now - wrote_ <= rules_.lately; }
  const stream::Claim& standing() const { return standing_; }
  const std::string& id() const { return id_; }
  // A leader is there: we are, or its ticks were seen and have not stopped.
  bool is_led(Moment now) const { return leads() || (seen_ && now - heard_ < rules_.silence); }
  std::chrono::milliseconds since_tick(Moment now) const { return now - heard_; }

 private:
  std::string id_, http_;
  Rules rules_;
  Role role_ = Role::reading;
  stream::Claim standing_;
  Moment heard_{};       // last tick, or what stands for one
  bool seen_ = false;    // a tick of the standing leader
  Moment asked_{};       // last due()
  Moment claimed_{};     // our last claim
  Moment not_before_{};  // the next one
  Moment wrote_{};
  std::optional<std::chrono::milliseconds> delay_;  // drawn once for each silence
};

const char* to_string(Leadership::Role role);

}  // namespace ride::master
