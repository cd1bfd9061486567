#include "proto/naming/contract.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace varscope {
namespace {

std::string PartKey(absl::string_view key, int64_t index) {
  return absl::StrCat(key, "/part_", index);
}

std::string PythonList(const std::vector<int64_t>& values) {
  return absl::StrCat("[", absl::StrJoin(values, ", "), "]");
}

int64_t SlicedAxis(const std::vector<int64_t>& partitions) {
  const auto it =
      std::find_if(partitions.begin(), partitions.end(), [](int64_t p) { return p > 1; });
  return it == partitions.end() ? 0 : it - partitions.begin();
}

// The mismatch text, or empty. `verb` is "share variable" or "reuse partitioned variable".
std::string Mismatch(absl::string_view verb, const Request& request, const Shape& shape,
                     DType dtype) {
  const auto differs = [&](absl::string_view what, absl::string_view specified,
                           absl::string_view found) {
    return absl::StrCat("Trying to ", verb, " ", request.key, ", but specified ", what, " ",
                        specified, " and found ", what, " ", found, ".");
  };
  if (request.shape && !request.shape->IsCompatibleWith(shape)) {
    return differs("shape", request.shape->ToString(), shape.ToString());
  }
  if (request.dtype != dtype) return differs("dtype", Name(request.dtype), Name(dtype));
  return "";
}

ReuseCheck CheckSingle(const Definitions& known, const Request& request) {
  const std::string& key = request.key;
  const std::optional<KnownVariable> found = known.FindVariable(key);
  if (!found) {
    if (request.reuse != Reuse::kTrue) return {ReuseDecision::kCreate, "", ""};
    return {ReuseDecision::kMissing,
            absl::StrCat("Variable ", key,
                         " does not exist, or was not created with tf.get_variable(). Did you mean "
                         "to set reuse=tf.AUTO_REUSE in VarScope?"),
            ""};
  }
  if (request.reuse == Reuse::kFalse) {
    return {ReuseDecision::kExists,
            absl::StrCat("Variable ", key,
                         " already exists, disallowed. Did you mean to set reuse=True or "
                         "reuse=tf.AUTO_REUSE in VarScope?"),
            key};
  }
  std::string mismatch = Mismatch("share variable", request, found->shape, found->dtype);
  if (!mismatch.empty()) return {ReuseDecision::kMismatch, std::move(mismatch), key};
  return {ReuseDecision::kAttach, "", ""};
}

ReuseCheck CheckExistingPartitioned(const KnownPartitioned& found, const Request& request) {
  const std::string part = PartKey(request.key, 0);
  if (request.reuse == Reuse::kFalse) {
    return {ReuseDecision::kExists,
            absl::StrCat("Partitioned variable with name ", request.key,
                         " already exists. Did you mean to set reuse=True or reuse=tf.AUTO_REUSE "
                         "in VarScope?"),
            part};
  }
  std::string mismatch =
      Mismatch("reuse partitioned variable", request, found.full_shape, found.dtype);
  if (mismatch.empty() && request.partitions && *request.partitions != found.partitions) {
    mismatch = absl::StrCat("Trying to reuse partitioned variable ", request.key,
                            ", but specified partitions ", PythonList(*request.partitions),
                            " and found partitions ", PythonList(found.partitions), ".");
  }
  if (!mismatch.empty()) return {ReuseDecision::kMismatch, std::move(mismatch), part};
  return {ReuseDecision::kAttachPartitioned, "", ""};
}

// Parts "key/part_i" that exist without a partitioned variable of that key.
ReuseCheck CheckStrayParts(const Definitions& known, const Request& request) {
  const int64_t shards = (*request.partitions)[SlicedAxis(*request.partitions)];
  if (!known.FindVariable(PartKey(request.key, 0))) return {ReuseDecision::kCreate, "", ""};
  const std::string prefix = absl::StrCat(
      "Partitioner returned a different partitioning than what was already found.  Partitioner "
      "returned ",
      shards, " shards, and shard ", PartKey(request.key, 0), " was found, but ");
  if (!known.FindVariable(PartKey(request.key, shards - 1))) {
    return {ReuseDecision::kMismatch,
            absl::StrCat(prefix, PartKey(request.key, shards - 1), " was not."),
            PartKey(request.key, 0)};
  }
  if (known.FindVariable(PartKey(request.key, shards))) {
    return {ReuseDecision::kMismatch,
            absl::StrCat(prefix, "so was the extra shard ", PartKey(request.key, shards), "."),
            PartKey(request.key, 0)};
  }
  return {ReuseDecision::kCreate, "", ""};
}

ReuseCheck CheckPartitioned(const Definitions& known, const Request& request) {
  const std::string& key = request.key;
  if (known.FindVariable(key)) {
    return {ReuseDecision::kMismatch,
            absl::StrCat("A partitioner was provided, but an unpartitioned version of the variable "
                         "was found: ",
                         key,
                         ".  Perhaps a variable of the same name was already created without "
                         "partitioning?"),
            key};
  }
  if (request.partitions && request.partitions->empty()) return {ReuseDecision::kUndecided, "", ""};
  if (const std::optional<KnownPartitioned> found = known.FindPartitioned(key)) {
    return CheckExistingPartitioned(*found, request);
  }
  if (request.reuse == Reuse::kTrue) {
    return {ReuseDecision::kMissing,
            absl::StrCat("PartitionedVariable ", key,
                         " does not exist, or was not created with tf.get_variable(). Did you mean "
                         "to set reuse=False or reuse=tf.AUTO_REUSE in VarScope?"),
            ""};
  }
  ReuseCheck stray = CheckStrayParts(known, request);
  if (stray.decision != ReuseDecision::kCreate) return stray;
  for (const Part& part : Slice(key, *request.shape, *request.partitions)) {
    ReuseCheck checked = CheckSingle(
        known, {part.key, request.dtype, part.shape, request.reuse, std::nullopt, false});
    if (checked.decision != ReuseDecision::kCreate && checked.decision != ReuseDecision::kAttach)
      return checked;
  }
  return {ReuseDecision::kCreate, "", ""};
}

}  // namespace

ReuseCheck CheckReuse(const Definitions& known, const Request& request) {
  if (request.partitions) return CheckPartitioned(known, request);
  if (request.reuse == Reuse::kTrue && !request.unpartitioned &&
      known.FindPartitioned(request.key)) {
    return CheckPartitioned(known, request);
  }
  const std::string part = PartKey(request.key, 0);
  if (known.FindVariable(part)) {
    return {ReuseDecision::kMismatch,
            absl::StrCat("No partitioner was provided, but a partitioned version of the variable "
                         "was found: ",
                         part,
                         ". Perhaps a variable of the same name was already created with "
                         "partitioning?"),
            part};
  }
  return CheckSingle(known, request);
}

std::vector<Part> Slice(const std::string& key, const Shape& full_shape,
                        const std::vector<int64_t>& partitions) {
  const int64_t axis = SlicedAxis(partitions);
  const int64_t shards = partitions[axis];
  const int64_t longer = full_shape.dims()[axis] % shards;
  std::vector<Part> parts;
  std::vector<int64_t> offset(full_shape.rank(), 0);
  for (int64_t i = 0; i < shards; ++i) {
    std::vector<int64_t> dims = full_shape.dims();
    dims[axis] = full_shape.dims()[axis] / shards + (i < longer ? 1 : 0);
    parts.push_back({PartKey(key, i), offset, Shape(dims)});
    offset[axis] += dims[axis];
  }
  return parts;
}

absl::Status ValidatePartitions(const Shape& shape, const std::vector<int64_t>& partitions) {
  if (shape.rank() < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "A partitioned Variable must have rank at least 1, shape: ", shape.ToString()));
  }
  if (static_cast<int>(partitions.size()) != shape.rank()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Partitioner returned a partition list that does not match the Variable's rank: ",
        PythonList(partitions), " vs. ", shape.ToString()));
  }
  if (std::any_of(partitions.begin(), partitions.end(), [](int64_t p) { return p < 1; })) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Partitioner returned zero partitions for some axes: ", PythonList(partitions)));
  }
  if (std::any_of(partitions.begin(), partitions.end(), [](int64_t p) { return p > kMaxParts; })) {
    return absl::InvalidArgumentError(absl::StrCat("Partitioner returned ", PythonList(partitions),
                                                   "; a variable has at most ", kMaxParts,
                                                   " parts"));
  }
  if (std::count_if(partitions.begin(), partitions.end(), [](int64_t p) { return p > 1; }) > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("Can only slice a variable along one dimension: shape: ", shape.ToString(),
                     ", partitioning: ", PythonList(partitions)));
  }
  return absl::OkStatus();
}

std::string MissingShapeText(absl::string_view key) {
  return absl::StrCat("Variable ", key,
                      " did not get an initializer, so its `shape` argument must be specified.");
}

std::string UnknownPartitionShapeText(const Shape& shape) {
  return absl::StrCat("Shape of a new partitioned variable must be fully defined, but instead was ",
                      shape.ToString(), ".");
}

std::string InitializerDTypeText(DType initializer, DType requested) {
  return absl::StrCat("Initializer type '<dtype: '", Name(initializer),
                      "'>' and explicit dtype '<dtype: '", Name(requested), "'>' don't match.");
}

}  // namespace varscope
