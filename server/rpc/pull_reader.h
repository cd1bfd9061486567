// The pull of a turn.
#ifndef VARSCOPE_SERVER_RPC_PULL_READER_H_
#define VARSCOPE_SERVER_RPC_PULL_READER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/wire/encoding.h"
#include "server/rpc/context.h"
#include "server/rpc/last_pull.h"
#include "varscope/tensor.h"
#include "varscope/v1/varscope.pb.h"

namespace varscope::server {

wire::Encoding EncodingOf(const v1::PullRequest::Want& want);

// Reads one cut of what a request wants, encodes it as it wants it, and remembers it for the
// stream's next pull. Not thread-safe.
class PullReader {
 public:
  // `request`, its `tensors`, which are the numbers of wanted rows, and `last`, its stream's,
  // outlive it. They have been checked.
  PullReader(const ServiceContext& service, const v1::FrameHeader& request,
             const std::vector<Tensor>& tensors, LastPull& last);

  // Of the variables that it wants.
  const std::vector<std::string>& names() const { return names_; }

  // Once: adds the values to the head of the answer.
  absl::Status Read(v1::FrameHeader& answer);
  // As the head has them, undefined where nothing has changed. What they hold on to counts as
  // pinned until this is gone.
  std::vector<Tensor> TakeValues() { return std::move(values_); }

 private:
  absl::Status ReadWanted(v1::FrameHeader& answer);
  absl::Status Repeat(v1::FrameHeader& answer);
  // For each wanted variable; empty when all are wanted whole.
  absl::StatusOr<std::vector<WantedRows>> RowsWanted();
  absl::Status Fill(v1::FrameHeader& answer, Cut cut, std::vector<wire::Encoding> encodings,
                    const std::function<bool(size_t i, uint64_t version)>& holds);
  // Whether it can be repeated.
  bool Remember(const Cut& cut, std::vector<wire::Encoding> encodings);

  const ServiceContext& service_;
  const v1::FrameHeader& request_;
  const std::vector<Tensor>& tensors_;
  LastPull& last_;
  std::vector<std::string> names_;
  std::vector<Tensor> values_;
  Pins::Pin pin_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_PULL_READER_H_
