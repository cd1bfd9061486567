#include "server/rpc/resolved_pull.h"

#include "absl/strings/str_cat.h"
#include "proto/tensor/rows.h"
#include "proto/wire/convert.h"
#include "proto/wire/encoding.h"
#include "server/auth/rights.h"

namespace varscope::server {
namespace {

// Whole weights in 255 steps would be another model.
absl::Status CheckEncoding(absl::string_view variable, wire::Encoding encoding) {
  if (encoding <= wire::Encoding::kBfloat16) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "variable ", variable, " cannot be pulled in encoding ", static_cast<int>(encoding)));
}

// Of the value, encoded.
absl::StatusOr<uint64_t> BytesEncoded(const StreamVariables::Entry& entry,
                                      wire::Encoding encoding) {
  if (encoding == wire::Encoding::kNone) return 0;
  return wire::EncodedSize(encoding, entry.dtype, entry.shape);
}

// Of `count` indices and of those rows, which may be encoded as well.
absl::StatusOr<uint64_t> BytesOfRows(const StreamVariables::Entry& entry, uint64_t count) {
  const absl::StatusOr<Shape> shape = RowsShape(entry.shape, 0);
  if (!shape.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("variable ", entry.name, ": has no rows"));
  }
  if (count > static_cast<uint64_t>(entry.shape.dim(0))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "variable ", entry.name, ": has ", entry.shape.dim(0), " rows, the pull asks for ", count));
  }
  return count * (sizeof(int64_t) + 2 * RowSize(entry.shape) * SizeOf(entry.dtype));
}

}  // namespace

absl::StatusOr<ResolvedPull> ResolvePull(const StreamVariables& variables,
                                         const v1::PullRequest& pull, const Caller& caller,
                                         std::vector<wire::IncomingTensor>& tensors) {
  const int count = pull.variables_size();
  absl::Status status = CheckColumn("the pull", pull.versions_size(), count, "versions");
  status.Update(CheckColumn("the pull", pull.encodings_size(), count, "encodings"));
  status.Update(CheckColumn("the pull", pull.index_counts_size(), count, "index counts"));
  if (static_cast<size_t>(count) > variables.most_in_a_list()) {
    status.Update(absl::InvalidArgumentError(
        absl::StrCat("the pull has ", count, " variables, at most ", variables.most_in_a_list(),
                     " are taken at once: its stream has named ", variables.size())));
  }
  if (!status.ok()) return status;
  ResolvedPull resolved;
  // A few bytes of a pull stand for so many here: until it is answered, with what is read.
  constexpr uint64_t kItemBytes = 256;
  constexpr uint64_t kIndicesBytes = 1024;
  const uint64_t each = kItemBytes + (pull.index_counts_size() > 0 ? kIndicesBytes : 0);
  absl::StatusOr<IdleMemory::Hold> held =
      IdleMemory::Process().Reserve(caller.holder(), each * count);
  if (!held.ok()) return held.status();
  resolved.held = *std::move(held);
  resolved.owner = variables.owner();
  resolved.variables.reserve(count);
  resolved.items.resize(count);
  for (int i = 0; i < count; ++i) {
    const absl::StatusOr<const StreamVariables::Entry*> found = variables.Find(pull.variables(i));
    if (!found.ok()) return found.status();
    const StreamVariables::Entry& entry = **found;
    ResolvedPull::Item& item = resolved.items[i];
    resolved.variables.push_back(entry.variable.get());
    if (status = Authorize(caller, Right::kRead, entry.name); !status.ok()) return status;
    if (pull.versions_size() > 0) item.held = pull.versions(i);
    if (pull.encodings_size() > 0) {
      const absl::StatusOr<wire::Encoding> encoding = wire::EncodingFromProto(pull.encodings(i));
      status = encoding.ok() ? CheckEncoding(entry.name, *encoding)
                             : absl::InvalidArgumentError(absl::StrCat(
                                   "variable ", entry.name, ": ", encoding.status().message()));
      if (!status.ok()) return status;
      if (entry.dtype == DType::kFloat32) item.encoding = *encoding;
    }
    const bool whole = pull.index_counts_size() == 0 || pull.index_counts(i) == 0;
    const uint64_t rows = whole ? 0 : pull.index_counts(i) - 1;
    const absl::StatusOr<uint64_t> bytes =
        whole ? BytesEncoded(entry, item.encoding) : BytesOfRows(entry, rows);
    if (!bytes.ok()) return bytes.status();
    if (__builtin_add_overflow(resolved.copied_bytes, *bytes, &resolved.copied_bytes)) {
      return absl::ResourceExhaustedError("the pull asks for more bytes than there are");
    }
    if (whole) continue;
    item.indices = static_cast<uint32_t>(tensors.size());
    tensors.push_back({DType::kInt64, Shape{static_cast<int64_t>(rows)}, {}, entry.name});
  }
  return resolved;
}

}  // namespace varscope::server
