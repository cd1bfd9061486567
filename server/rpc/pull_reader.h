// Reads what a pull asks for.
#ifndef VARSCOPE_SERVER_RPC_PULL_READER_H_
#define VARSCOPE_SERVER_RPC_PULL_READER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "server/rpc/context.h"
#include "server/rpc/resolved_pull.h"
#include "server/store/read.h"
#include "varscope/tensor.h"
#include "varscope/v1/tensor_stream.pb.h"

namespace varscope::server {

// Reads one consistent set of values, encodes them as the pull asks, and remembers it for the
// stream's next pull. Not thread-safe.
class PullReader {
 public:
  // `tensors` are those of the request, and `last` is its stream's; both outlive the reader.
  PullReader(const ServiceContext& service, ResolvedPull resolved,
             const std::vector<Tensor>& tensors, ResolvedPull& last)
      : service_(service), resolved_(std::move(resolved)), tensors_(tensors), last_(last) {}

  std::span<Variable* const> variables() const { return resolved_.variables; }

  // Once: adds the versions to the head of the answer for that worker, whose held versions are of
  // this epoch if it is the `same_epoch`.
  absl::Status Read(const std::string& worker_id, bool same_epoch, v1::FrameHeader& answer);
  // Undefined where the worker holds it. What they hold on to counts as pinned until this is gone.
  std::vector<Tensor> TakeValues() { return std::move(values_); }

 private:
  // For each variable; empty when the pull asks for all variables whole.
  absl::StatusOr<std::vector<ReadIndices>> IndicesToRead() const;
  absl::Status Fill(const std::string& worker_id, bool same_epoch, std::span<const ReadValue> read,
                    v1::FrameHeader& answer);
  // Whether it can be repeated.
  bool Remember(std::span<const ReadValue> read);

  const ServiceContext& service_;
  ResolvedPull resolved_;
  const std::vector<Tensor>& tensors_;
  ResolvedPull& last_;
  std::vector<Tensor> values_;
  PinnedMemory::Reservation reservation_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_PULL_READER_H_
