// The variables that the requests of one stream name by number.
#ifndef VARSCOPE_SERVER_PUSH_STREAM_VARIABLES_H_
#define VARSCOPE_SERVER_PUSH_STREAM_VARIABLES_H_

#include <google/protobuf/repeated_ptr_field.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/memory/idle_memory.h"
#include "server/auth/caller.h"
#include "server/catalog/catalog.h"
#include "server/catalog/slot_names.h"
#include "server/store/variable.h"
#include "varscope/v1/tensor_stream.pb.h"

namespace varscope::server {

// Each name is looked up once in the life of a stream, when the stream names it. Not thread-safe.
class StreamVariables {
 public:
  // What a number means. The variables of a stream lie far apart in memory: what each request looks
  // at, of many, is here side by side.
  struct Entry {
    VariablePtr variable;
    SlotNames slots;         // that the worker proposes; valid names
    absl::string_view name;  // these as the variable's definition has them
    DType dtype;
    Shape shape;
    uint64_t bytes;       // of a value
    uint64_t slot_bytes;  // of the slots' names, which a step of many pushes has as keys, too
  };
  using Named = google::protobuf::RepeatedPtrField<v1::NamedVariable>;

  // Gives `named`, which are in `catalog`, the next numbers. Called with each request, also with
  // nothing: Aborted when the store was rolled back after the stream named its variables. NotFound
  // for an unknown variable; InvalidArgument for a dtype or shape that is not the variable's, and
  // for names that no slot can have; ResourceExhausted when the stream's names take more than
  // kMaxBytes, or as IdleMemory::Extend: streams may be idle for as long as they like, and have
  // their names all the time. Each names the variable or the worker; `caller` is who asks. After an
  // error it must not be used any more.
  absl::Status Add(const Catalog& catalog, const Named& named, const Caller& caller);

  // Aborted when the store was rolled back since.
  absl::Status CheckPresent(const Catalog& catalog, const Caller& caller) const;

  size_t size() const { return table_ == nullptr ? 0 : table_->entries.size(); }
  // InvalidArgument for a number that the stream has not given.
  absl::StatusOr<const Entry*> Find(uint32_t number) const;
  // What Find has returned lives as long as this, too: whoever asks for many variables keeps this
  // one thing, and does not write to the memory of each, as a copy of a VariablePtr does.
  std::shared_ptr<const void> owner() const { return table_; }
  // Adds to `answer` the dtypes and shapes of the `count` variables that were added last.
  void DescribeLast(size_t count, v1::FrameHeader& answer) const;

  static constexpr size_t kMaxBytes = size_t{64} << 20;

  // How many variables one list of a request may mean: each once, and some of them again. A number
  // takes one byte on the wire, and much more here.
  size_t most_in_a_list() const { return size() + 1024; }

 private:
  // Room for them, before they are stored.
  absl::Status Reserve(const Named& named, const Caller& caller);
  absl::Status AddOne(const Catalog& catalog, const v1::NamedVariable& named, const Caller& caller);

  struct Table {
    std::deque<Entry> entries;  // by number; each stays where it is
    IdleMemory::Hold held;      // of them
  };

  std::shared_ptr<Table> table_;  // null: it is empty
  size_t bytes_ = 0;              // about what the entries take
  uint64_t generation_ = 0;       // the catalog's, of all entries
};

// InvalidArgument unless a column that is beside a request's list of variables is empty, or has one
// entry for each. The message begins with `subject`; `what` is in the column.
absl::Status CheckColumn(absl::string_view subject, int entries, int variables,
                         absl::string_view what);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_PUSH_STREAM_VARIABLES_H_
