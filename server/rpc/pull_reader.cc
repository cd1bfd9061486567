#include "server/rpc/pull_reader.h"

#include "proto/tensor/rows.h"
#include "proto/wire/encoding.h"

namespace varscope::server {

absl::Status PullReader::Read(const std::string& worker_id, bool same_epoch,
                              v1::FrameHeader& answer) {
  // Before the values: what changes after this is read again by the next pull.
  const uint64_t changes = service_.store.changes.count();
  if (resolved_.unchanged_since == changes) {
    last_ = std::move(resolved_);
    answer.set_repeatable(true);
    answer.set_unchanged(true);
    return absl::OkStatus();
  }
  const absl::StatusOr<std::vector<ReadIndices>> rows = IndicesToRead();
  if (!rows.ok()) return rows.status();
  const absl::StatusOr<std::vector<ReadValue>> read = ReadTogether(variables(), *rows);
  if (!read.ok()) return read.status();
  resolved_.unchanged_since = changes;
  return Fill(worker_id, same_epoch, *read, answer);
}

absl::StatusOr<std::vector<ReadIndices>> PullReader::IndicesToRead() const {
  std::vector<ReadIndices> resolved;
  if (!resolved_.HasIndices()) return resolved;
  for (const ResolvedPull::Item& item : resolved_.items) {
    resolved.emplace_back();
    if (!item.indices) continue;
    absl::StatusOr<std::vector<int64_t>> numbers = ToIndices(tensors_[*item.indices]);
    if (!numbers.ok()) return numbers.status();
    resolved.back() = *std::move(numbers);
  }
  return resolved;
}

absl::Status PullReader::Fill(const std::string& worker_id, bool same_epoch,
                              std::span<const ReadValue> read, v1::FrameHeader& answer) {
  std::vector<Tensor> values(read.size());
  answer.mutable_versions()->Reserve(static_cast<int>(values.size()));
  for (size_t i = 0; i < values.size(); ++i) {
    const ReadValue& pulled = read[i];
    const ResolvedPull::Item& item = resolved_.items[i];
    answer.add_versions(pulled.version);
    if (same_epoch && item.held != 0 && item.held == pulled.version + 1 && !item.indices) continue;
    absl::StatusOr<Tensor> value = pulled.value;
    if (item.encoding != wire::Encoding::kNone) value = wire::Encode(item.encoding, pulled.value);
    if (!value.ok()) return value.status();
    resolved_.variables[i]->bytes_pulled += value->byte_size();
    values[i] = *std::move(value);
  }
  absl::StatusOr<PinnedMemory::Reservation> reservation =
      service_.pinned_memory.Acquire(worker_id, values);
  if (!reservation.ok()) return reservation.status();
  reservation_ = *std::move(reservation);
  values_ = std::move(values);
  answer.set_repeatable(Remember(read));
  return absl::OkStatus();
}

bool PullReader::Remember(std::span<const ReadValue> read) {
  last_ = {};
  if (resolved_.HasIndices() || read.size() > StreamState::kMaxRepeated) return false;
  last_ = std::move(resolved_);
  for (size_t i = 0; i < read.size(); ++i) last_.items[i].held = read[i].version + 1;
  return true;
}

}  // namespace varscope::server
