#include "server/rpc/answer.h"

#include "absl/strings/str_cat.h"

namespace varscope::server {

absl::Status AnswerBudget::Reserve(uint64_t bytes) {
  if (bytes > kMost - bytes_) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the answer would take more than ", kMost >> 20, " MiB: ask for less in one call"));
  }
  absl::Status status = IdleMemory::Process().Extend(held_, holder_, bytes);
  if (status.ok()) bytes_ += bytes;
  return status;
}

}  // namespace varscope::server
