#include "server/rpc/pull_reader.h"

#include <utility>

#include "proto/core/rows.h"
#include "proto/wire/convert.h"
#include "proto/wire/encoding.h"

namespace varscope::server {

wire::Encoding EncodingOf(const v1::PullRequest::Want& want) {
  return static_cast<wire::Encoding>(want.encoding());
}

PullReader::PullReader(const ServiceContext& service, const v1::FrameHeader& request,
                       const std::vector<Tensor>& tensors, LastPull& last)
    : service_(service), request_(request), tensors_(tensors), last_(last) {
  if (request.pull().repeat()) {
    names_ = std::exchange(last_.names, {});
  } else {
    for (const v1::PullRequest::Want& want : request.pull().wants()) names_.push_back(want.name());
  }
}

absl::Status PullReader::Read(v1::FrameHeader& answer) {
  return request_.pull().repeat() ? Repeat(answer) : ReadWanted(answer);
}

absl::Status PullReader::ReadWanted(v1::FrameHeader& answer) {
  const v1::PullRequest& pull = request_.pull();
  const absl::StatusOr<std::vector<WantedRows>> rows = RowsWanted();
  if (!rows.ok()) return rows.status();
  absl::StatusOr<Cut> cut = service_.store.Pull(names_, *rows);
  if (!cut.ok()) return cut.status();
  const bool same_epoch = pull.epoch() == service_.epoch;
  std::vector<wire::Encoding> encodings;
  for (const v1::PullRequest::Want& want : pull.wants()) encodings.push_back(EncodingOf(want));
  const auto holds = [&](size_t i, uint64_t version) {
    const v1::PullRequest::Want& want = pull.wants(static_cast<int>(i));
    return same_epoch && want.has_version() && !want.has_rows() && want.version() == version;
  };
  return Fill(answer, *std::move(cut), std::move(encodings), holds);
}

absl::StatusOr<std::vector<WantedRows>> PullReader::RowsWanted() {
  std::vector<WantedRows> wanted;
  if (tensors_.empty()) return wanted;
  for (const v1::PullRequest::Want& want : request_.pull().wants()) {
    wanted.emplace_back();
    if (!want.has_rows()) continue;
    absl::StatusOr<std::vector<int64_t>> numbers = RowNumbers(tensors_[want.rows()]);
    if (!numbers.ok()) return numbers.status();
    wanted.back() = *std::move(numbers);
  }
  return wanted;
}

absl::Status PullReader::Repeat(v1::FrameHeader& answer) {
  if (service_.store.changes() == last_.changes) {
    last_.names = std::move(names_);
    answer.set_repeatable(true);
    answer.set_unchanged(true);
    return absl::OkStatus();
  }
  absl::StatusOr<Cut> cut = service_.store.Pull(last_.variables);
  if (!cut.ok()) return cut.status();
  const std::vector<uint64_t> versions = last_.versions;
  return Fill(answer, *std::move(cut), last_.encodings,
              [&](size_t i, uint64_t version) { return versions[i] == version; });
}

absl::Status PullReader::Fill(v1::FrameHeader& answer, Cut cut,
                              std::vector<wire::Encoding> encodings,
                              const std::function<bool(size_t i, uint64_t version)>& holds) {
  std::vector<Tensor> values;
  values.reserve(cut.variables.size());
  for (size_t i = 0; i < cut.variables.size(); ++i) {
    const PulledVariable& p = cut.variables[i];
    v1::TensorSpec* const spec = answer.add_tensors();
    spec->set_name(p.variable->def.name);
    spec->set_dtype(wire::ToProto(p.variable->def.dtype));
    wire::ToProto(p.value.shape(), spec->mutable_shape());
    spec->set_version(p.version);
    spec->set_unchanged(holds(i, p.version));
    if (spec->unchanged()) {
      values.emplace_back();
      continue;
    }
    if (p.value.dtype() != DType::kFloat32) encodings[i] = wire::Encoding::kNone;
    spec->set_encoding(static_cast<v1::Encoding>(encodings[i]));
    absl::StatusOr<Tensor> value = p.value;
    if (encodings[i] != wire::Encoding::kNone) value = wire::Encode(encodings[i], p.value);
    if (!value.ok()) return value.status();
    p.variable->bytes_pulled += value->byte_size();
    values.push_back(*std::move(value));
  }
  absl::StatusOr<Pins::Pin> pin = service_.pins.Take(values);
  if (!pin.ok()) return pin.status();
  pin_ = *std::move(pin);
  values_ = std::move(values);
  answer.set_repeatable(Remember(cut, std::move(encodings)));
  return absl::OkStatus();
}

bool PullReader::Remember(const Cut& cut, std::vector<wire::Encoding> encodings) {
  last_ = {};
  const bool rows = !request_.has_push() && request_.tensors_size() > 0;
  if (rows || cut.variables.size() > LastPull::kMaxVariables) return false;
  last_.incarnation = request_.pull().incarnation();
  last_.names = std::move(names_);
  last_.changes = cut.changes;
  last_.encodings = std::move(encodings);
  for (const PulledVariable& p : cut.variables) {
    last_.variables.push_back(p.variable);
    last_.versions.push_back(p.version);
  }
  return true;
}

}  // namespace varscope::server
