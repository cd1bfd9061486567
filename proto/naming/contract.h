// The naming contract: may this get_variable create, must it share, or is it a mistake?
//
// The rules and every message are TensorFlow 1's (tf.compat.v1.get_variable of TensorFlow 2.21,
// with resource variables), recorded in tests/conformance/data/scopes.json. The server checks
// against its store, a worker's graph against itself; both call CheckReuse. Pure: no I/O, no state.
#ifndef VARSCOPE_PROTO_NAMING_CONTRACT_H_
#define VARSCOPE_PROTO_NAMING_CONTRACT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "varscope/dtype.h"
#include "varscope/reuse.h"
#include "varscope/shape.h"

namespace varscope {

// What exists under one key.
struct KnownVariable {
  DType dtype;
  Shape shape;
};
struct KnownPartitioned {
  DType dtype;
  Shape full_shape;
  std::vector<int64_t> partitions;  // parts along each axis; at most one entry exceeds 1
};

// What a get_variable call asks for.
struct Request {
  std::string key;  // the full variable-scope name
  DType dtype = DType::kFloat32;
  std::optional<Shape> shape;  // the full shape when partitioned
  Reuse reuse = Reuse::kFalse;
  // Set when a partitioner was given; empty partitions: it could not be called (no shape).
  std::optional<std::vector<int64_t>> partitions;
  // A partitioner was given for a scalar, which cannot be split: never a partitioned variable.
  bool unpartitioned = false;
};

// Everything that one namespace knows. Implementations look up; they do not decide.
class Definitions {
 public:
  virtual ~Definitions() = default;
  virtual std::optional<KnownVariable> FindVariable(const std::string& key) const = 0;
  virtual std::optional<KnownPartitioned> FindPartitioned(const std::string& key) const = 0;
};

enum class ReuseDecision : uint8_t {
  kCreate,
  kAttach,             // to the variable of that key
  kAttachPartitioned,  // to the partitioned variable of that key
  kExists,             // refused: it exists and reuse is False
  kMissing,            // refused: it does not exist and reuse is True
  kMismatch,           // refused: it exists as something else
  kUndecided,          // partitions could not be computed and nothing else refuses
};

struct ReuseCheck {
  ReuseDecision decision;
  std::string message;          // for the refusals, TensorFlow's text
  std::string conflicting_key;  // for the refusals that met a variable: the key of that
};

ReuseCheck CheckReuse(const Definitions& known, const Request& request);

// One part of a partitioned variable.
struct Part {
  std::string key;  // "w/part_0"
  std::vector<int64_t> offset;
  Shape shape;
};

// The parts of a fully defined shape, as even as possible, longer ones first.
std::vector<Part> Slice(const std::string& key, const Shape& full_shape,
                        const std::vector<int64_t>& partitions);

// More parts than this are refused: each is a variable of its own.
inline constexpr int64_t kMaxParts = 4096;

// OK when `partitions` can slice `shape`: as many entries as dimensions, none below 1 or above
// kMaxParts, at most one above 1. ValueError texts as TensorFlow's.
absl::Status ValidatePartitions(const Shape& shape, const std::vector<int64_t>& partitions);

// Texts that only a worker's graph needs, kept with their siblings.
std::string MissingShapeText(absl::string_view key);
std::string UnknownPartitionShapeText(const Shape& shape);
std::string InitializerDTypeText(DType initializer, DType requested);
inline constexpr absl::string_view kConstantWithShapeText =
    "If initializer is a constant, do not specify shape.";
inline constexpr absl::string_view kInvalidInitializerText =
    "The initializer passed is not valid. It should be a callable with no arguments and the shape "
    "should not be provided or an instance of `tf.keras.initializers.*' and `shape` should be "
    "fully defined.";
inline constexpr absl::string_view kReuseWithoutNameText =
    "reuse=True cannot be used without a name_or_scope";

}  // namespace varscope

#endif  // VARSCOPE_PROTO_NAMING_CONTRACT_H_
