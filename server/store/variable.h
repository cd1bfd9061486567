// One variable of the store: its definition, which never changes, and its value, which does.
#ifndef VARSCOPE_SERVER_STORE_VARIABLE_H_
#define VARSCOPE_SERVER_STORE_VARIABLE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "proto/concurrency/mutex.h"
#include "proto/memory/memory_account.h"
#include "proto/naming/creator.h"
#include "varscope/dtype.h"
#include "varscope/initializer_spec.h"
#include "varscope/shape.h"
#include "varscope/tensor.h"

namespace varscope::server {

enum class VariableKind : uint8_t {
  kShared = 0,  // get_variable: shared by key
  kUnique = 1,  // Variable: always new
  kSlot = 2,    // an optimizer's slot, or its non-slot variable
};

struct VariableDefinition {
  std::string name;  // unique in the store
  std::string key;   // what get_variable shares by; empty for the other kinds
  VariableKind kind = VariableKind::kShared;
  DType dtype = DType::kFloat32;
  Shape shape;
  bool trainable = true;
  std::string primary;  // kSlot: the slot's variable; of a non-slot variable: the optimizer's first
  Creator creator;
  uint64_t creator_incarnation = 0;
  uint64_t creator_request = 0;  // as ResolveRequest::number
  std::string initializer;       // as text
  uint64_t seed = 0;
};

// What a variable takes in memory beside its value, about: names, texts, its places in tables.
uint64_t OverheadOf(const VariableDefinition& definition);

// How the first value of a variable is made: the same whoever makes it, and when.
struct FirstValue {
  InitializerSpec spec;
  Shape full_shape;  // the whole's, when this is a part
};

// Thread-safe where it says so; `mutex` guards the value.
class Variable {
 public:
  // `held`: OverheadOf.
  explicit Variable(VariableDefinition definition, MemoryAccount::Hold held)
      : def(std::move(definition)), held_(std::move(held)) {}

  const VariableDefinition def;

  Mutex mutex;
  Tensor value ABSL_GUARDED_BY(mutex);              // shared with readers, see MakeWritable
  uint64_t version ABSL_GUARDED_BY(mutex) = 0;      // counts updates
  bool initialized ABSL_GUARDED_BY(mutex) = false;  // has a value, or is getting its first one
  // Not null: `value` is not there, it is being computed, by somebody who does not hold `mutex`.
  // Nothing changes or reads it until then: see IsComing.
  std::shared_ptr<const FirstValue> first_value ABSL_GUARDED_BY(mutex);
  // A rollback has taken it away: it has no value, and never gets one. See IsGone.
  bool discarded ABSL_GUARDED_BY(mutex) = false;

  std::atomic<uint64_t> pulls{0};
  std::atomic<uint64_t> pushes{0};
  std::atomic<uint64_t> bytes_pulled{0};
  std::atomic<uint64_t> bytes_pushed{0};

  // Read-copy-update: writes go to `value` in place when no reader pins its bytes, else to a fresh
  // copy that replaces them. Makes it so; ResourceExhausted without memory.
  absl::Status MakeWritable() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  // Gives its memory back, though somebody may know it for long. No change is under way.
  void Discard() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

 private:
  const MemoryAccount::Hold held_;
};

using VariablePtr = std::shared_ptr<Variable>;

// What whoever needs the value is told meanwhile, Unavailable: it comes back, and holds nothing.
absl::Status IsComing(const VariableDefinition& def);
// What whoever knows it from before a rollback is told, Aborted.
absl::Status IsGone(const VariableDefinition& def);

// Locks distinct variables, which outlive it, in the order of their addresses, so that two sets
// never deadlock, and unlocks on destruction. While it lives the set is consistent. clang does not
// follow it: who uses the values says AssertHeld.
class LockedVariables {
 public:
  LockedVariables() = default;
  explicit LockedVariables(std::vector<Variable*> variables);
  explicit LockedVariables(std::span<const VariablePtr> variables);
  ~LockedVariables();
  LockedVariables(LockedVariables&& other) noexcept
      : variables_(std::exchange(other.variables_, {})) {}
  LockedVariables& operator=(LockedVariables&& other) noexcept {
    std::swap(variables_, other.variables_);
    return *this;
  }

 private:
  std::vector<Variable*> variables_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_STORE_VARIABLE_H_
