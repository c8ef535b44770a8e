#include "master/core/placement.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

namespace ride::master {

namespace {

// Position of each member when nodes take turns.
std::vector<int> ranks(const GroupView& view) {
  std::map<NodeName, int> seen;
  std::vector<std::pair<std::pair<int, NodeName>, int>> order;
  for (int i = 0; i < static_cast<int>(view.members.size()); ++i) {
    const auto& node = view.members[static_cast<std::size_t>(i)].node;
    order.push_back({{seen[node]++, node}, i});
  }
  std::sort(order.begin(), order.end());
  std::vector<int> rank(view.members.size());
  for (std::size_t at = 0; at < order.size(); ++at)
    rank[static_cast<std::size_t>(order[at].second)] = static_cast<int>(at);
  return rank;
}

constexpr double kWorthAMove = 0.15;  // of the time that the busier of the two needs
constexpr double kBusy = 0.5;         // of its time: who works less has no need of help

struct Loads {
  std::vector<double> work;  // per member: weight of what it owns and keeps
  std::vector<int> count;    // ... and number
  bool moving = false;       // some partition is being handed back, or has no owner yet
  double usual_weight = 1;

  double time(const GroupView& view, std::size_t member, double more = 0) const {
    return (work[member] + more) / view.members[member].speed;
  }
  void add(std::size_t member, const GroupView::Slot& slot, int sign = 1) {
    work[member] += sign * slot.weight;
    count[member] += sign;
  }
};

Loads count(const GroupView& view) {
  const auto members = view.members.size();
  Loads loads{std::vector<double>(members, 0), std::vector<int>(members, 0)};
  double weights = 0;
  for (const auto& slot : view.partitions) {
    weights += slot.weight;
    const bool stays = slot.owner >= 0 && !slot.releasing && !slot.free;
    if (stays) loads.add(static_cast<std::size_t>(slot.owner), slot);
    if (slot.releasing && !slot.free) loads.moving = true;
  }
  if (!view.partitions.empty()) loads.usual_weight = weights / static_cast<double>(view.partitions.size());
  return loads;
}

bool is_even(const GroupView& view) {
  const auto same_speed = [&](const auto& one) { return one.speed == view.members.front().speed; };
  const auto same_weight = [&](const auto& one) { return one.weight == view.partitions.front().weight; };
  return std::all_of(view.members.begin(), view.members.end(), same_speed) &&
         std::all_of(view.partitions.begin(), view.partitions.end(), same_weight);
}

// Members by how soon they would be through with one partition more.
class Queue {
 public:
  Queue(const GroupView& view, const std::vector<int>& rank, const Loads& loads)
      : view_(view), rank_(rank), loads_(loads) {
    for (std::size_t i = 0; i < view.members.size(); ++i)
      if (view.members[i].able) put(i);
  }
  bool empty() const { return queue_.empty(); }
  void put(std::size_t member) {
    queue_.insert({loads_.time(view_, member, loads_.usual_weight), rank_[member], member});
  }
  std::size_t first() const { return std::get<2>(*queue_.begin()); }
  std::size_t take_first() {
    const auto member = first();
    queue_.erase(queue_.begin());
    return member;
  }

 private:
  const GroupView& view_;
  const std::vector<int>& rank_;
  const Loads& loads_;
  std::set<std::tuple<double, int, std::size_t>> queue_;
};

void give_away(const GroupView& view, const std::vector<int>& rank, Loads& loads, Moves& moves) {
  Queue queue(view, rank, loads);
  for (std::size_t p = 0; p < view.partitions.size(); ++p) {
    const auto& slot = view.partitions[p];
    if (!slot.free && slot.owner != GroupView::kNobody) continue;
    if (queue.empty()) return;
    const auto member = queue.take_first();
    moves.give.push_back({PartitionId{static_cast<int>(p)}, static_cast<int>(member)});
    loads.add(member, slot);
    queue.put(member);
  }
}

// One partition from the busiest to the one that is through soonest, when that one will even then be through clearly
// sooner than the busiest is now. Not: when the busiest gains much by it, since with many partitions none of them
// weighs much.
class Rebalance {
 public:
  Rebalance(const GroupView& view, const std::vector<int>& rank, Loads loads)
      : view_(view), rank_(rank), loads_(std::move(loads)), even_(is_even(view)), owned_(view.members.size()) {
    for (std::size_t p = 0; p < view.partitions.size(); ++p)
      if (view.partitions[p].owner >= 0) owned_[static_cast<std::size_t>(view.partitions[p].owner)].push_back(p);
    for (const auto count : loads_.count) newcomer_.push_back(count == 0);
    for (std::size_t i = 0; i < view.members.size(); ++i) put(i);
  }

  void ask_back(Moves& moves) {
    for (auto left = view_.partitions.size(); left > 0; --left) {
      if (by_time_.empty() || by_next_.empty()) return;
      const auto to = soonest(), from = busiest(to);
      const auto best = best_of(from, to);
      if (!best || (!even_ && !newcomer_[to] && loads_.time(view_, from) < kBusy)) return;
      if (!view_.members[to].ready) {
        moves.release.clear();
        moves.look_again = true;
        return;
      }
      move(*best, from, to);
      moves.release.push_back(PartitionId{static_cast<int>(*best)});
      moves.by_measure = !even_;
      if (!even_ && !newcomer_[to]) return;
    }
  }

 private:
  using Order = std::set<std::tuple<double, int, std::size_t>>;

  void put(std::size_t member) {
    if (!view_.members[member].keeps) by_time_.insert({loads_.time(view_, member), rank_[member], member});
    if (!view_.members[member].enough && view_.members[member].able)
      by_next_.insert({loads_.time(view_, member, loads_.usual_weight), rank_[member], member});
  }
  void remove(std::size_t member) {
    by_time_.erase({loads_.time(view_, member), rank_[member], member});
    by_next_.erase({loads_.time(view_, member, loads_.usual_weight), rank_[member], member});
  }

  // An idle member before one that has something, if it is through before the busiest is now.
  std::size_t soonest() const {
    if (!even_)
      for (const auto& [time, rank, member] : by_next_)
        if (loads_.count[member] == 0 && time <= std::get<0>(*by_time_.rbegin()) * (1 + 1e-9)) return member;
    return std::get<2>(*by_next_.begin());
  }
  // Who has nothing is helped by one that has two: the busiest of all may have a single one.
  std::size_t busiest(std::size_t to) const {
    if (!even_ && loads_.count[to] == 0)
      for (auto at = by_time_.rbegin(); at != by_time_.rend(); ++at)
        if (loads_.count[std::get<2>(*at)] > 1) return std::get<2>(*at);
    return std::get<2>(*by_time_.rbegin());
  }

  std::optional<std::size_t> best_of(std::size_t from, std::size_t to) const {
    const double now = loads_.time(view_, from);
    // Who has nothing is worth as much as it can do, as long as nobody is through later than now.
    const bool idle = !even_ && loads_.count[to] == 0 && loads_.count[from] > 1;
    const double latest = even_ ? now * (1 - 1e-9) : idle ? now * (1 + 1e-9) : now * (1 - kWorthAMove);
    std::optional<std::size_t> best;
    double least = std::max(now, latest) * (1 + 1e-9);
    for (auto at = owned_[from].rbegin(); at != owned_[from].rend(); ++at) {
      const double weight = view_.partitions[*at].weight;
      const double there = loads_.time(view_, to, weight);
      const double then = std::max(loads_.time(view_, from, -weight), there);
      if (there > latest || then >= least) continue;
      least = then;
      best = *at;
    }
    return best;
  }

  void move(std::size_t partition, std::size_t from, std::size_t to) {
    remove(from);
    remove(to);
    loads_.add(from, view_.partitions[partition], -1);
    loads_.add(to, view_.partitions[partition]);
    put(from);
    put(to);
    std::erase(owned_[from], partition);  // it is asked for once
  }

  const GroupView& view_;
  const std::vector<int>& rank_;
  Loads loads_;
  const bool even_;
  std::vector<std::vector<std::size_t>> owned_;
  std::vector<bool> newcomer_;
  Order by_time_, by_next_;  // who may give, by when it is through; who may get, by when it would be with one more
};

}  // namespace

Moves place(const GroupView& view) {
  Moves moves;
  if (view.members.empty()) return moves;
  const auto rank = ranks(view);
  auto loads = count(view);
  give_away(view, rank, loads, moves);
  bool outsiders = false;
  for (std::size_t p = 0; p < view.partitions.size(); ++p) {
    const auto& slot = view.partitions[p];
    if (slot.owner != GroupView::kOutsider || slot.releasing || slot.free) continue;
    moves.release.push_back(PartitionId{static_cast<int>(p)});
    outsiders = true;
  }
  if (!loads.moving && !outsiders && moves.give.empty())
    Rebalance(view, rank, std::move(loads)).ask_back(moves);
  else
    moves.look_again = true;
  if (std::any_of(view.members.begin(), view.members.end(), [](const auto& one) { return !one.able; }))
    moves.look_again = true;
  std::sort(moves.release.begin(), moves.release.end());
  return moves;
}

}  // namespace ride::master
