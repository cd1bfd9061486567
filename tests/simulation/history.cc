#include "tests/simulation/history.h"

#include <algorithm>
#include <set>
#include <sstream>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace varscope::simulation {
namespace {

std::set<std::string> LinesOf(const std::string& state) { return absl::StrSplit(state, '\n'); }

// The first one: "step 17".
std::string StepOf(const std::string& state) { return state.substr(0, state.find('\n')); }

// Slots are made just before the push that needs them.
bool IsFreshSlot(const std::string& line) {
  return absl::StrContains(line, " 2 ") && absl::StrContains(line, " v0 ");
}

// Between two states of which one push made the second: each part is as in one of them.
std::string WhatIsWrongBetween(const std::string& state, const std::string& before,
                               const std::string& after) {
  const bool one_push = StepOf(state) == StepOf(before) || StepOf(state) == StepOf(after);
  if (!one_push) return "";
  std::set<std::string> known = LinesOf(before);
  known.merge(LinesOf(after));
  for (const std::string& line : LinesOf(state)) {
    if (known.contains(line) || IsFreshSlot(line)) continue;
    return absl::StrCat("a part that never was: '", absl::CHexEscape(line.substr(0, 200)), "'");
  }
  return "";
}

}  // namespace

std::string Difference(const std::string& is, const std::string& was) {
  std::istringstream a(is);
  std::istringstream b(was);
  std::string line;
  std::string other;
  while (std::getline(a, line) && std::getline(b, other) && line == other) {
  }
  constexpr size_t kLongest = 160;
  return absl::StrCat("'", absl::CHexEscape(line.substr(0, kLongest)), "', it was '",
                      absl::CHexEscape(other.substr(0, kLongest)), "'");
}

void History::Saw(uint64_t position, std::string state) {
  std::vector<std::string>& seen = states_[position];
  std::erase(seen, state);
  seen.push_back(std::move(state));
}

void History::MustKeep(uint64_t position) {
  kept_ = std::max(kept_, position);
  // The last one at or before it may be needed to judge what is between.
  auto first = states_.upper_bound(kept_);
  if (first != states_.begin()) --first;
  states_.erase(states_.begin(), first);
}

void History::BeginAgain(uint64_t position, std::string state) {
  states_.clear();
  states_[position] = {std::move(state)};
  kept_ = position;
}

std::string History::WhatIsWrong(uint64_t position, const std::string& state) const {
  if (states_.empty()) return "";
  if (position < kept_) {
    return absl::StrCat("recovered change ", position, ", though change ", kept_,
                        " was acknowledged: ", Difference(state, last()));
  }
  const auto at = states_.lower_bound(position);
  if (at == states_.end()) {
    return absl::StrCat("recovered change ", position, ", which never was; the last was ",
                        last_position());
  }
  if (at->first == position) {
    const bool known = std::find(at->second.begin(), at->second.end(), state) != at->second.end();
    if (known) return "";
    return absl::StrCat("recovered a state that never was at change ", position, ": ",
                        Difference(state, at->second.back()));
  }
  if (at == states_.begin()) return "";
  const std::string wrong =
      WhatIsWrongBetween(state, std::prev(at)->second.back(), at->second.back());
  return wrong.empty() ? "" : absl::StrCat("recovered, at change ", position, ", ", wrong);
}

}  // namespace varscope::simulation
