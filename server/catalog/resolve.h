// The naming contract, applied to the store's names: what becomes of one get_variable or Variable.
#ifndef VARSCOPE_SERVER_CATALOG_RESOLVE_H_
#define VARSCOPE_SERVER_CATALOG_RESOLVE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/naming/contract.h"
#include "server/auth/caller.h"
#include "server/catalog/creation.h"
#include "server/catalog/name_table.h"
#include "server/env/env.h"
#include "server/store/variable.h"
#include "varscope/initializer_spec.h"

namespace varscope::server {

// One get_variable (kShared) or Variable (kUnique) as a worker sends it.
struct ResolveRequest {
  // Tells it from the incarnation's others, so that asking again is safe; 0: not told.
  uint64_t number = 0;
  VariableKind kind = VariableKind::kShared;
  Request request;                      // key, dtype, shape, reuse, partitions
  std::string name;                     // proposed by the worker's graph: see Decide
  std::vector<std::string> part_names;  // proposed for the parts; empty: their keys
  std::optional<bool> trainable;
  std::optional<InitializerSpec> initializer;  // absent: look up only
  bool worker_initialized = false;             // the value follows in an INITIALIZE assignment
  Creator creator;
};

struct Resolution {
  enum class Outcome { kAbsent, kCreated, kAttached, kRefused };
  Outcome outcome = Outcome::kAbsent;
  std::vector<VariablePtr> variables;  // one, or the parts
  std::optional<KnownPartitioned> partitioning;
  std::string message;            // kRefused: TensorFlow's text
  std::string detail;             // kRefused: both definitions side by side
  std::vector<Creator> creators;  // kRefused: of what it collided with
  std::string warning;            // kAttached with another initializer than the first's
};

// InvalidArgument for a request that no names make sense of: a bad name, shape or partitions.
absl::Status CheckRequest(const ResolveRequest& request);

struct Decision {
  Resolution resolution;   // null in its variables: those of `creation`, in order
  CreationBatch creation;  // empty unless kCreated
};
// The prefixes of the groups in which variables are, by their names (sync/group_options.h).
using GroupPrefixes = std::vector<std::string>;

// Of a request that was checked. InvalidArgument as Catalog::Resolve, PermissionDenied as
// Authorize. Draws the seed of an initializer that has none from `env`.
//
// A new variable's name is what it was asked for as (its key, when it has one), or that made
// unique, and in the same group. So whoever defines it first decides nothing by its name.
absl::StatusOr<Decision> Decide(const NameTable& names, const GroupPrefixes& groups,
                                const Caller& caller, const ResolveRequest& request, Env& env);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_CATALOG_RESOLVE_H_
