// Streams to the server: a request of frames, an answer of frames, the next request.
#ifndef VARSCOPE_CLIENT_RPC_STREAM_POOL_H_
#define VARSCOPE_CLIENT_RPC_STREAM_POOL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/graph/remote_store.h"
#include "client/rpc/membership.h"
#include "client/rpc/stream.h"
#include "client/rpc/stream_variables.h"
#include "proto/concurrency/mutex.h"
#include "proto/wire/frame_reader.h"
#include "proto/wire/frame_writer.h"
#include "varscope/tensor.h"

namespace varscope::internal {

// How one variable of a pull is asked for.
struct PullWish {
  uint32_t number;
  wire::Encoding encoding = wire::Encoding::kNone;  // where its dtype has it
  std::optional<int64_t> rows;                      // how many; absent: all
};

// What a stream's last pull brought, which the next one may repeat without naming it. Empty: the
// server has not kept it.
struct LastPull {
  std::vector<std::string> names;
  std::vector<PullWish> wishes;
  PullResult values;

  bool IsOf(const std::vector<std::string>& asked) const {
    return !names.empty() && names == asked;
  }
  std::vector<std::optional<PulledValue>> Known() const { return {values.begin(), values.end()}; }
};

// Thread-safe. A stream serves one request at a time; those that are idle are kept for the next.
class StreamPool {
 public:
  // An open stream, for one request.
  struct PooledStream {
    std::unique_ptr<Stream> stream;
    uint64_t age;          // of the pool when it was opened
    uint64_t incarnation;  // whose stream it is
    StreamVariables variables = {};
    LastPull last_pull = {};
  };

  using Open = std::function<std::unique_ptr<Stream>(const WorkerSession& session)>;
  explicit StreamPool(Open open) : open_(std::move(open)) {}

  // A stream of that session.
  PooledStream Take(const WorkerSession& session);
  // One request, by `deadline`: Ask sends it and returns when the answer's head has come, ReadRest
  // when all of it has. When either fails, the stream is of no further use: a request that the
  // server refused has given it back.
  Outcome Ask(PooledStream& pooled, const v1::FrameHeader& head, const std::vector<Tensor>& tensors,
              Clock::time_point deadline, wire::FrameReader& answer);
  Outcome ReadRest(PooledStream& pooled, wire::FrameReader& answer);
  // After a request that was well.
  void Keep(PooledStream pooled);
  // Every request that begins from now on has a stream that was opened after this.
  void Renew();

 private:
  Outcome Fail(Stream& stream);
  Outcome ReadFrame(Stream& stream, wire::FrameReader& answer);
  Outcome Refused(PooledStream pooled, const v1::Error& error);

  const Open open_;
  Mutex mutex_;
  std::vector<PooledStream> idle_ ABSL_GUARDED_BY(mutex_);  // all of the present age
  uint64_t age_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_STREAM_POOL_H_
