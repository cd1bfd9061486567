#include "server/rpc/pull_reader.h"

#include "proto/core/rows.h"
#include "proto/wire/encoding.h"

namespace varscope::server {

std::vector<VariablePtr> PullReader::variables() const {
  std::vector<VariablePtr> variables;
  variables.reserve(wanted_.wants.size());
  for (const WantedPull::Want& want : wanted_.wants) variables.push_back(want.variable);
  return variables;
}

absl::Status PullReader::Read(bool same_epoch, v1::FrameHeader& answer) {
  if (wanted_.unchanged_since == service_.store.changes()) {
    last_ = std::move(wanted_);
    answer.set_repeatable(true);
    answer.set_unchanged(true);
    return absl::OkStatus();
  }
  const absl::StatusOr<std::vector<WantedRows>> rows = RowsWanted();
  if (!rows.ok()) return rows.status();
  const absl::StatusOr<Cut> cut = service_.store.Pull(variables(), *rows);
  if (!cut.ok()) return cut.status();
  return Fill(same_epoch, *cut, answer);
}

absl::StatusOr<std::vector<WantedRows>> PullReader::RowsWanted() const {
  std::vector<WantedRows> wanted;
  if (!wanted_.WantsRows()) return wanted;
  for (const WantedPull::Want& want : wanted_.wants) {
    wanted.emplace_back();
    if (!want.rows) continue;
    absl::StatusOr<std::vector<int64_t>> numbers = RowNumbers(tensors_[*want.rows]);
    if (!numbers.ok()) return numbers.status();
    wanted.back() = *std::move(numbers);
  }
  return wanted;
}

absl::Status PullReader::Fill(bool same_epoch, const Cut& cut, v1::FrameHeader& answer) {
  std::vector<Tensor> values(cut.variables.size());
  answer.mutable_versions()->Reserve(static_cast<int>(values.size()));
  for (size_t i = 0; i < values.size(); ++i) {
    const PulledVariable& pulled = cut.variables[i];
    const WantedPull::Want& want = wanted_.wants[i];
    answer.add_versions(pulled.version);
    if (same_epoch && want.held != 0 && want.held == pulled.version + 1 && !want.rows) continue;
    absl::StatusOr<Tensor> value = pulled.value;
    if (want.encoding != wire::Encoding::kNone) value = wire::Encode(want.encoding, pulled.value);
    if (!value.ok()) return value.status();
    pulled.variable->bytes_pulled += value->byte_size();
    values[i] = *std::move(value);
  }
  absl::StatusOr<Pins::Pin> pin = service_.pins.Take(values);
  if (!pin.ok()) return pin.status();
  pin_ = *std::move(pin);
  values_ = std::move(values);
  answer.set_repeatable(Remember(cut));
  return absl::OkStatus();
}

bool PullReader::Remember(const Cut& cut) {
  last_ = {};
  if (wanted_.WantsRows() || cut.variables.size() > StreamState::kMaxRepeated) return false;
  last_ = std::move(wanted_);
  last_.unchanged_since = cut.changes;
  for (size_t i = 0; i < cut.variables.size(); ++i) {
    last_.wants[i].held = cut.variables[i].version + 1;
  }
  return true;
}

}  // namespace varscope::server
