// The variables that the requests of one stream name by number.
#ifndef VARSCOPE_SERVER_PUSH_STREAM_VARIABLES_H_
#define VARSCOPE_SERVER_PUSH_STREAM_VARIABLES_H_

#include <google/protobuf/repeated_ptr_field.h>

#include <cstddef>
#include <cstdint>
#include <vector>

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
  struct Entry {
    VariablePtr variable;
    SlotNames slots;  // that the worker proposes; valid names
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

  size_t size() const { return entries_.size(); }
  // InvalidArgument for a number that the stream has not given.
  absl::StatusOr<const Entry*> Find(uint32_t number) const;
  // Adds to `answer` the dtypes and shapes of the `count` variables that were added last.
  void DescribeLast(size_t count, v1::FrameHeader& answer) const;

  static constexpr size_t kMaxBytes = size_t{64} << 20;

  // How many variables one list of a request may mean: each once, and some of them again. A number
  // takes one byte on the wire, and much more here.
  size_t most_in_a_list() const { return entries_.size() + 1024; }

 private:
  // Room for them, before they are stored.
  absl::Status Reserve(const Named& named, const Caller& caller);
  absl::Status AddOne(const Catalog& catalog, const v1::NamedVariable& named, const Caller& caller);

  std::vector<Entry> entries_;  // by number
  size_t bytes_ = 0;            // about what they take
  IdleMemory::Hold held_;       // of them
  uint64_t generation_ = 0;     // the catalog's, of all entries
};

// InvalidArgument unless a column that is beside a request's list of variables is empty, or has one
// entry for each. The message begins with `subject`; `what` is in the column.
absl::Status CheckColumn(absl::string_view subject, int entries, int variables,
                         absl::string_view what);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_PUSH_STREAM_VARIABLES_H_
