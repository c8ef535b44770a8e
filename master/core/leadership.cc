#include "master/core/leadership.h"

#include <algorithm>
#include <utility>

namespace ride::master {

using std::chrono::milliseconds;

namespace {

constexpr int kTicksOfSilence = 4;  // where ticks come slowly, because there are many processes

milliseconds part_of(milliseconds whole, double share) {
  return milliseconds(static_cast<std::int64_t>(static_cast<double>(whole.count()) * share));
}

}  // namespace

Leadership::Leadership(std::string id, std::string http, Rules rules)
    : id_(std::move(id)), http_(std::move(http)), rules_(rules) {}

void Leadership::caught_up(Moment now) {
  if (role_ != Role::reading) return;
  role_ = Role::standby;
  heard_ = asked_ = now;
  if (standing_.id == id_) role_ = Role::leading;  // overtaken after its own claim: it stands all the same
}

void Leadership::overtaken() {
  role_ = Role::reading;
  standing_ = {};
  seen_ = false;
}

void Leadership::stands(const stream::Claim& claim, Moment now) {
  standing_ = claim;
  heard_ = now;
  seen_ = false;
  delay_.reset();
  not_before_ = {};
  if (role_ == Role::reading) return;
  role_ = claim.id == id_ ? Role::leading : Role::standby;
  if (leads()) wrote_ = claimed_;
}

void Leadership::ticked(Moment now) {
  heard_ = now;
  seen_ = true;
  delay_.reset();
}

void Leadership::wrote(Moment sent) { wrote_ = std::max(wrote_, sent); }

void Leadership::step_down(std::string id, Moment now) {
  id_ = std::move(id);
  if (role_ == Role::reading) return;
  role_ = Role::standby;
  heard_ = now;
  seen_ = false;
}

std::optional<stream::Claim> Leadership::due(Moment now, double random, milliseconds tick_interval) {
  const bool paused = now - std::exchange(asked_, now) > rules_.pause;
  switch (role_) {
    case Role::reading:
      return std::nullopt;
    case Role::leading:
      if (now - wrote_ < rules_.lease) return std::nullopt;
      return standing_;
    case Role::claiming:
      if (now - claimed_ < rules_.claim_timeout) return std::nullopt;
      role_ = Role::standby;
      not_before_ = now + part_of(rules_.backoff, 0.5 + random);
      return std::nullopt;
    case Role::standby:
      break;
  }
  // Who was stopped has ticks waiting that it has not read; silence is counted from here.
  if (paused) heard_ = now;
  if (now < not_before_) return std::nullopt;
  if (!standing_.id.empty()) {
    if (!delay_) delay_ = part_of(rules_.spread, random);
    const auto silence = std::max(rules_.silence, kTicksOfSilence * tick_interval);
    if (now - heard_ < silence + *delay_) return std::nullopt;
  }
  role_ = Role::claiming;
  claimed_ = now;
  return stream::Claim{.epoch = standing_.epoch + 1, .id = id_, .http = http_};
}

std::optional<stream::Claim> Leadership::farewell() const {
  if (!leads()) return std::nullopt;
  return stream::Claim{.epoch = standing_.epoch + 1, .id = {}, .http = {}};
}

const char* to_string(Leadership::Role role) {
  switch (role) {
    case Leadership::Role::reading:
      return "reading";
    case Leadership::Role::standby:
      return "standby";
    case Leadership::Role::claiming:
      return "claiming";
    case Leadership::Role::leading:
      return "leader";
  }
  return "";
}

}  // namespace ride::master
