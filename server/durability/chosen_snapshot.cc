#include "server/durability/chosen_snapshot.h"

#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/concurrency/done_once.h"
#include "server/durability/snapshot.h"

namespace varscope::server {
namespace {

const absl::Status* const kNoMemoryForBoth = new absl::Status(absl::ResourceExhaustedError(
    "no rollback, nothing was changed: there is no memory for the snapshot's state beside the one "
    "that is there. Give the process more of it (ulimit -v, or the container's limit), and try "
    "again"));

}  // namespace

absl::StatusOr<ChosenSnapshot> ChooseSnapshot(Directory& directory, const std::string& name) try {
  const absl::StatusOr<std::string> file = FindSnapshot(directory, name);
  if (!file.ok()) return file.status();
  absl::StatusOr<Snapshot> read = ReadSnapshot(directory, *file);
  if (absl::IsResourceExhausted(read.status())) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "no rollback to snapshot ", name, ", nothing was changed: its values and those that are ",
        "there have to be in memory together. Give the process more of it (ulimit -v, or the ",
        "container's limit), and try again: ", read.status().message()));
  }
  if (!read.ok()) return read.status();
  absl::StatusOr<std::unique_ptr<PreparedState>> prepared =
      PreparedState::Make(std::move(read->state));
  if (!prepared.ok()) return prepared.status();
  StoreState state = (*prepared)->State();
  return ChosenSnapshot{*file, *std::move(prepared), std::move(state)};
} catch (const std::bad_alloc&) {
  return Said(
      [&] {
        return absl::ResourceExhaustedError(absl::StrCat(
            "no rollback to snapshot ", name, ", nothing was changed: there is no memory for that ",
            "state beside the one that is there. Give the process more of it (ulimit -v, or the ",
            "container's limit), and try again"));
      },
      *kNoMemoryForBoth);
}

}  // namespace varscope::server
