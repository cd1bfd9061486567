// A whole store, or scopes of it, to a checkpoint and back: varscopectl's export and import.
#ifndef VARSCOPE_CLIENT_CHECKPOINT_TRANSFER_H_
#define VARSCOPE_CLIENT_CHECKPOINT_TRANSFER_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "client/graph/remote_store.h"

namespace varscope::checkpoint {

struct TransferOptions {
  // Names in the store: these scopes or variables alone; empty: all. Something must be in each.
  std::vector<std::string> scopes;
  // A scope or variable's name in the store, and in the checkpoint; the first that fits counts.
  // Each must fit something.
  std::vector<std::pair<std::string, std::string>> renames;
  bool slots = true;    // export: optimizers' slots, too
  bool create = false;  // import: variables that the store does not have become get_variable's
};

struct Transferred {
  size_t tensors = 0;
  uint64_t bytes = 0;
  // Import: what was left out, and why: tensors that the store has no variable for, and, of those
  // that `scopes` do not name, tensors that varscope cannot hold.
  std::vector<std::string> skipped;
};

// One consistent set. Throws what tensors.h's Write and the store throw, NotFoundError when there
// is nothing to write, or nothing fits one of the options.
Transferred Export(internal::RemoteStore& store, const std::filesystem::path& path,
                   const TransferOptions& options);

// All in one push, all of it or nothing (variables that it creates stay). InvalidArgumentError for
// another shape or dtype, NotFoundError when there is nothing to assign, or nothing fits one of the
// options. Throws what tensors.h's Reader and the store throw.
Transferred Import(internal::RemoteStore& store, const std::filesystem::path& path,
                   const TransferOptions& options);

}  // namespace varscope::checkpoint

#endif  // VARSCOPE_CLIENT_CHECKPOINT_TRANSFER_H_
