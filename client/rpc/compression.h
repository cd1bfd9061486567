// Which tensors go in fewer bytes, and what the gradients lost by it.
#ifndef VARSCOPE_CLIENT_RPC_COMPRESSION_H_
#define VARSCOPE_CLIENT_RPC_COMPRESSION_H_

#include <map>
#include <string>
#include <vector>

#include "client/graph/remote_store.h"
#include "client/rpc/convert.h"
#include "proto/wire/encoding.h"
#include "varscope/graph.h"

namespace varscope::internal {

// Error feedback (Seide et al., "1-bit stochastic gradient descent", 2014; Karimireddy et al.,
// "Error feedback fixes SignSGD", 2019): what the encoding of a variable's dense gradient loses is
// added to its next one. Held in this process only. Thread-compatible.
class Compression {
 public:
  // Of rules that the server takes. Throws ValueError for one that makes no sense.
  explicit Compression(std::vector<CompressionRule> rules);

  // By variable: what its gradients will have lost when the push is applied.
  using Residuals = std::map<std::string, Tensor>;
  // Whether a gradient of the push is one that it encodes: then the push must follow the one
  // before, whose loss it makes up for.
  bool Concerns(const PushRequest& push) const;
  // Encodes the gradients of `push` in its `tensors`.
  Residuals Encode(const PushRequest& push, PushTensors& tensors) const;
  // The push was applied.
  void Keep(Residuals residuals);

  bool ForPulls() const;
  wire::Encoding ForPull(const std::string& variable) const;

 private:
  const CompressionRule* RuleOf(const std::string& variable) const;

  const std::vector<CompressionRule> rules_;
  Residuals residuals_;
};

// Those of `rules` that the server takes, given what it says it does.
std::vector<CompressionRule> Accepted(std::vector<CompressionRule> rules,
                                      const google::protobuf::RepeatedField<int>& encodings);

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_COMPRESSION_H_
