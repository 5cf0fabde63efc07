// Sets of ids with the arithmetic of sets. Thread-compatible values.
#pragma once

#include <algorithm>
#include <set>
#include <vector>

#include "format/condemned_record.h"
#include "repo/gc_protocol.h"

namespace varve {

template <typename Id>
class IdSet {
 public:
  IdSet() = default;
  template <typename Range>
  explicit IdSet(const Range& ids) : ids_(ids.begin(), ids.end()) {}

  void Insert(const Id& id) { ids_.insert(id); }
  bool Contains(const Id& id) const { return ids_.count(id) != 0; }
  bool Empty() const { return ids_.empty(); }
  size_t size() const { return ids_.size(); }
  auto begin() const { return ids_.begin(); }
  auto end() const { return ids_.end(); }
  std::vector<Id> ToVector() const { return {ids_.begin(), ids_.end()}; }

  IdSet& operator|=(const IdSet& other) {
    ids_.insert(other.begin(), other.end());
    return *this;
  }
  friend IdSet operator|(IdSet a, const IdSet& b) { return a |= b; }
  friend IdSet operator&(const IdSet& a, const IdSet& b) {
    IdSet both;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(),
                          std::inserter(both.ids_, both.ids_.end()));
    return both;
  }
  friend IdSet operator-(const IdSet& a, const IdSet& b) {
    IdSet rest;
    std::set_difference(a.begin(), a.end(), b.begin(), b.end(),
                        std::inserter(rest.ids_, rest.ids_.end()));
    return rest;
  }
  friend bool operator==(const IdSet&, const IdSet&) = default;

 private:
  std::set<Id> ids_;
};

// The sets of a real repository.
struct RepositorySets {
  using Pack = PackId;
  using Packs = IdSet<PackId>;
  using Snapshots = IdSet<SnapshotId>;
  using Sessions = IdSet<SessionId>;
  using Groups = std::vector<CondemnedGroup<RepositorySets>>;
};

}  // namespace varve
