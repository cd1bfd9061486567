// The open streams to the server that no request uses now.
#ifndef VARSCOPE_CLIENT_RPC_STREAM_POOL_H_
#define VARSCOPE_CLIENT_RPC_STREAM_POOL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/graph/remote_store.h"
#include "client/rpc/stream.h"
#include "client/rpc/stream_variables.h"
#include "proto/concurrency/mutex.h"
#include "proto/wire/encoding.h"

namespace varscope::internal {

// What the server said when the worker connected; it holds until the worker connects again.
struct Incarnation {
  uint64_t number = 0;      // of this session's, from 1: the server's own may come again at another
  std::string session_key;  // goes with each call and stream
  uint64_t groups_version = 0;  // of the groups by which pushes are split
};

// How one variable of a pull is asked for.
struct PullWish {
  uint32_t number;
  wire::Encoding encoding;  // where its dtype has it
};

// What a stream's last pull brought, which the next one may repeat without naming it. Empty: the
// server has not kept it.
struct LastPull {
  std::vector<std::string> names;
  std::vector<PullWish> wishes;
  PullResult values;
};

// A stream, and what both sides remember of its requests.
struct PooledStream {
  std::unique_ptr<Stream> stream;
  uint64_t age;          // of the pool when it was opened
  uint64_t incarnation;  // whose stream it is
  StreamVariables variables = {};
  LastPull last_pull = {};
};

// Thread-safe. A stream serves one request at a time.
class StreamPool {
 public:
  using Open = std::function<std::unique_ptr<Stream>(const Incarnation& incarnation)>;
  explicit StreamPool(Open open) : open_(std::move(open)) {}

  // A stream of that incarnation, for one request.
  PooledStream Take(const Incarnation& incarnation);
  // After a request whose answer has come to its end.
  void Keep(PooledStream pooled);
  // Every request that begins from now on has a stream that was opened after this.
  void Renew();

 private:
  const Open open_;
  Mutex mutex_;
  std::vector<PooledStream> idle_ ABSL_GUARDED_BY(mutex_);  // all of the present age
  uint64_t age_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_STREAM_POOL_H_
