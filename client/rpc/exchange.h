// Turns with the daemon: a request of frames, an answer of frames.
#ifndef VARSCOPE_CLIENT_RPC_EXCHANGE_H_
#define VARSCOPE_CLIENT_RPC_EXCHANGE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "client/rpc/stream.h"
#include "proto/core/tensor.h"
#include "proto/wire/frame.h"

namespace varscope::internal {

// Thread-safe. A stream serves one turn at a time; those that are idle are kept for the next.
class Exchange {
 public:
  using Open = std::function<std::unique_ptr<Stream>()>;
  explicit Exchange(Open open) : open_(std::move(open)) {}

  // One turn, by `deadline`. `answer` is complete when the outcome is OK.
  Outcome Turn(const v1::FrameHeader& head, const std::vector<Tensor>& tensors,
               Clock::time_point deadline, wire::FrameReader& answer);

  // Every turn that begins from now on has a stream that was opened after this.
  void Renew();

 private:
  struct Opened {
    std::unique_ptr<Stream> stream;
    uint64_t age;  // age_ when it was opened
  };
  Opened Take();
  void Keep(Opened opened);
  Outcome Fail(Stream& stream);

  const Open open_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Stream>> idle_;  // all of the present age
  uint64_t age_ = 0;
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_EXCHANGE_H_
