#include "master/core/placement.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
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

struct Loads {
  std::vector<int> load;  // per member: what it owns and keeps
  bool moving = false;    // some partition is being handed back, or has no owner yet
};

Loads count(const GroupView& view) {
  Loads loads{std::vector<int>(view.members.size(), 0), false};
  for (const auto& slot : view.partitions) {
    const bool stays = slot.owner >= 0 && !slot.releasing && !slot.free;
    if (stays) ++loads.load[static_cast<std::size_t>(slot.owner)];
    if (slot.releasing && !slot.free) loads.moving = true;
  }
  return loads;
}

void give_away(const GroupView& view, const std::vector<int>& rank, Loads& loads, Moves& moves) {
  std::set<std::tuple<int, int, int>> queue;  // load, rank, member
  for (std::size_t i = 0; i < view.members.size(); ++i) queue.insert({loads.load[i], rank[i], static_cast<int>(i)});
  for (std::size_t p = 0; p < view.partitions.size(); ++p) {
    const auto& slot = view.partitions[p];
    if (!slot.free && slot.owner != GroupView::kNobody) continue;
    auto node = queue.extract(queue.begin());
    auto& [load, at, member] = node.value();
    moves.give.push_back({PartitionId{static_cast<int>(p)}, member});
    loads.load[static_cast<std::size_t>(member)] = ++load;
    queue.insert(std::move(node));
  }
}

// How many each member has beyond its share: the ones that have most keep the larger shares, so least is moved.
std::vector<int> excess(const std::vector<int>& load, const std::vector<int>& rank) {
  std::vector<std::size_t> order(load.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(),
            [&](auto a, auto b) { return load[a] != load[b] ? load[a] > load[b] : rank[a] < rank[b]; });
  const int total = std::accumulate(load.begin(), load.end(), 0);
  const int share = total / static_cast<int>(load.size());
  int larger = total % static_cast<int>(load.size());
  std::vector<int> over(load.size(), 0);
  for (const auto i : order) over[i] = load[i] - (share + (larger-- > 0 ? 1 : 0));
  return over;
}

void ask_back(const GroupView& view, const std::vector<int>& rank, const Loads& loads, Moves& moves) {
  const auto [least, most] = std::minmax_element(loads.load.begin(), loads.load.end());
  if (*most - *least < 2) return;
  auto over = excess(loads.load, rank);
  for (std::size_t i = 0; i < over.size(); ++i)
    if (over[i] < 0 && !view.members[i].ready) moves.look_again = true;
  if (moves.look_again) return;
  for (auto p = view.partitions.size(); p-- > 0;) {
    const auto owner = view.partitions[p].owner;
    if (owner < 0 || over[static_cast<std::size_t>(owner)] <= 0) continue;
    --over[static_cast<std::size_t>(owner)];
    moves.release.push_back(PartitionId{static_cast<int>(p)});
  }
}

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
    ask_back(view, rank, loads, moves);
  else
    moves.look_again = true;
  std::sort(moves.release.begin(), moves.release.end());
  return moves;
}

}  // namespace ride::master
