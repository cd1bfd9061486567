// The names of a store's variables, and which of them belong together.
#ifndef VARSCOPE_SERVER_CATALOG_NAME_TABLE_H_
#define VARSCOPE_SERVER_CATALOG_NAME_TABLE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/hash/hash.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "proto/naming/contract.h"
#include "server/catalog/creation.h"
#include "server/store/variable.h"

namespace varscope::server {

// A Variable() of a worker, which may come again.
struct UniqueRequest {
  std::string worker_id;
  std::string name;  // asked for, without a suffix
  DType dtype = DType::kFloat32;
  Shape shape;

  friend bool operator==(const UniqueRequest&, const UniqueRequest&) = default;
  template <typename Hash>
  friend Hash AbslHashValue(Hash hash, const UniqueRequest& r) {
    return Hash::combine(std::move(hash), r.worker_id, r.name, r.dtype,
                         absl::MakeConstSpan(r.shape.dims()));
  }
};

// What is in `name` of a name that was made unique: "v_7" is "v" with 7. Nothing: it was not, or
// not by this server.
struct SuffixedName {
  std::string base;
  uint64_t suffix = 0;  // from 1
};
std::optional<SuffixedName> SplitSuffix(const std::string& name);

// However many names there are, none of them is looked at for another, but where it says so. Not
// thread-safe.
class NameTable final : public Definitions {
 public:
  // A standard one: Abseil's are destroyed by a std::bad_alloc.
  template <typename Key, typename Value>
  using Map = std::unordered_map<Key, Value, absl::Hash<Key>>;

  // In creation order. More may come, none goes.
  const std::vector<VariablePtr>& variables() const { return variables_; }
  // What their values take together.
  uint64_t bytes() const { return bytes_; }
  // What they take beside their values: OverheadOf each.
  uint64_t overhead() const { return overhead_; }

  bool Has(const std::string& name) const { return FindName(name) != nullptr; }
  // NotFound names the variable, and the scope in which there is none.
  absl::StatusOr<VariablePtr> Find(const std::string& name) const;
  // In the order of `names`; DataLoss when one is missing.
  absl::StatusOr<std::vector<VariablePtr>> FindAll(const std::vector<std::string>& names) const;
  // Of those that earlier incarnations of the worker than `incarnation`, its last one, made by it
  // and that got a suffix: that with the smallest. Null: there is none.
  VariablePtr FirstUnique(const UniqueRequest& request, uint64_t incarnation) const;
  // The first that the incarnation made by Variable() in its request of that number; null: none.
  VariablePtr FindRequest(uint64_t incarnation, uint64_t number) const;
  // The slots of that variable, or the non-slot variables of the optimizer whose first variable it
  // is, oldest first: all whose `primary` it is. More may come, none goes.
  const std::vector<VariablePtr>& SlotsOf(const std::string& primary) const;
  // The first of _1, _2, ... that makes a free name of `name`: all before it are taken.
  uint64_t FreeSuffix(const std::string& name) const;

  // By what get_variable shares by; null: none.
  VariablePtr FindKey(const std::string& key) const;
  std::optional<KnownVariable> FindVariable(const std::string& key) const override;
  std::optional<KnownPartitioned> FindPartitioned(const std::string& key) const override;
  // Of a partitioned variable that there is.
  const std::vector<VariablePtr>& PartsOf(const std::string& key) const {
    return partitioned_.at(key).parts;
  }
  std::vector<PartitionedNames> partitioned() const;

  // The states of optimizers, each by its key (optimizer_slots.cc).
  using States = Map<std::string, std::vector<VariablePtr>>;
  const States& slots() const { return slots_; }
  const States& non_slots() const { return non_slots_; }
  // Where among the states a variable has its place. The key is the table's own.
  struct StatePlace {
    const std::string* key = nullptr;  // null: it is of no state
    size_t index = 0;                  // in the rule's order
    bool non_slot = false;
  };
  StatePlace PlaceOf(const Variable& variable) const;

  // DataLoss when there is one of its name, or its shape cannot be had.
  absl::Status Add(VariablePtr variable);
  // DataLoss when a part is missing.
  absl::Status AddPartitioned(const PartitionedNames& names);
  // DataLoss when a variable is missing.
  absl::Status AddSlots(const std::vector<StateNames>& all) {
    return AddStates(all, /*non_slots=*/false);
  }
  absl::Status AddNonSlots(const std::vector<StateNames>& all) {
    return AddStates(all, /*non_slots=*/true);
  }

  // What one creation will add to this table, which must not change until Join; `variables` are
  // those of the batch, in its order. DataLoss as above.
  absl::StatusOr<NameTable> Prepare(const CreationBatch& batch,
                                    const std::vector<VariablePtr>& variables) const;
  // Adds what was prepared. Calls `happens` once all memory is there, and nothing can fail any
  // more; when std::bad_alloc is thrown it was not called, and the table stays as it was.
  void Join(NameTable added, absl::FunctionRef<void()> happens);

 private:
  struct Partitioned {
    KnownPartitioned known;
    std::vector<VariablePtr> parts;
  };
  // What a worker made by one UniqueRequest until the end of an incarnation.
  struct MadeUnique {
    uint64_t incarnation = 0;
    uint64_t smallest_suffix = 0;
    VariablePtr smallest;
  };

  const VariablePtr* FindName(const std::string& name) const;  // null: none
  void CountName(const VariablePtr& variable);
  // Takes no memory where there is room for one more.
  static void Count(std::vector<MadeUnique>& all, MadeUnique made);
  absl::Status AddStates(const std::vector<StateNames>& all, bool non_slots);
  // Before others take that state's place.
  void Displace(const std::vector<VariablePtr>& state) noexcept;
  // Of `added`, which is over this.
  void ReserveFor(const NameTable& added);
  void Merge(NameTable& added) noexcept;

  // Until it has joined, what Prepare makes is a table of its own over the other: names are found,
  // and counted, in both. Else null.
  const NameTable* older_ = nullptr;
  uint64_t bytes_ = 0;
  uint64_t overhead_ = 0;
  std::vector<VariablePtr> variables_;
  Map<std::string, VariablePtr> by_name_;
  Map<std::string, VariablePtr> by_key_;
  Map<std::string, Partitioned> partitioned_;
  // Where the search for a free suffix begins: all before it are taken. By the name without one.
  Map<std::string, uint64_t> next_suffix_;
  // One for each incarnation that made some, in order.
  Map<UniqueRequest, std::vector<MadeUnique>> uniques_;
  Map<std::pair<uint64_t, uint64_t>, VariablePtr> requests_;  // by incarnation and number
  Map<std::string, std::vector<VariablePtr>> by_primary_;
  States slots_;
  States non_slots_;
  Map<const Variable*, StatePlace> places_;  // of what these two have
};

std::vector<std::string> NamesOf(const std::vector<VariablePtr>& variables);
std::vector<std::string> NamesOf(std::span<Variable* const> variables);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_CATALOG_NAME_TABLE_H_
