// Reads what a pull wants.
#ifndef VARSCOPE_SERVER_RPC_PULL_READER_H_
#define VARSCOPE_SERVER_RPC_PULL_READER_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "server/rpc/context.h"
#include "server/rpc/wanted_pull.h"
#include "varscope/tensor.h"
#include "varscope/v1/tensor_stream.pb.h"

namespace varscope::server {

// Reads one consistent set of values, encodes them as the pull wants them, and remembers it for the
// stream's next pull. Not thread-safe.
class PullReader {
 public:
  // `tensors` are those of the request, and `last` is its stream's; both outlive the reader.
  PullReader(const ServiceContext& service, WantedPull wanted, const std::vector<Tensor>& tensors,
             WantedPull& last)
      : service_(service), wanted_(std::move(wanted)), tensors_(tensors), last_(last) {}

  std::vector<VariablePtr> variables() const;

  // Once: adds the versions to the head of the answer. `same_epoch`: the versions that the worker
  // holds are of this one.
  absl::Status Read(bool same_epoch, v1::FrameHeader& answer);
  // Undefined where the worker holds it. What they hold on to counts as pinned until this is gone.
  std::vector<Tensor> TakeValues() { return std::move(values_); }

 private:
  // For each wanted variable; empty when all are wanted whole.
  absl::StatusOr<std::vector<WantedRows>> RowsWanted() const;
  absl::Status Fill(bool same_epoch, const Cut& cut, v1::FrameHeader& answer);
  // Whether it can be repeated.
  bool Remember(const Cut& cut);

  const ServiceContext& service_;
  WantedPull wanted_;
  const std::vector<Tensor>& tensors_;
  WantedPull& last_;
  std::vector<Tensor> values_;
  Pins::Pin pin_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_PULL_READER_H_
