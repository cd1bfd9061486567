// One request of a stream, a push, a pull, or both, and its answer.
#ifndef VARSCOPE_CLIENT_RPC_STREAM_REQUEST_H_
#define VARSCOPE_CLIENT_RPC_STREAM_REQUEST_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/graph/remote_store.h"
#include "client/rpc/compression.h"
#include "client/rpc/convert.h"
#include "client/rpc/pull_cache.h"
#include "client/rpc/retry.h"
#include "client/rpc/stream_pool.h"
#include "proto/wire/frame.h"
#include "proto/wire/frame_reader.h"
#include "varscope/tensor.h"

namespace varscope::internal {

// What a request pulls. What it refers to outlives the request.
struct PullSpec {
  const std::vector<std::string>& names;
  std::span<const Tensor> rows = {};  // unless empty, as RemoteStore::PullRows has them
  // In every bit; else as the connection's compression has the values, which are then cached.
  bool exact = false;

  bool whole(size_t i) const { return rows.empty() || !rows[i].defined(); }
};

// The worker's half of server/rpc/stream_request.h: one attempt, on one stream. First what is
// asked (AddPush before AddPull), then Send, then what was answered. Not thread-safe, but may go
// from one thread to another. A request that is destroyed before its end ends its stream.
class StreamRequest {
 public:
  // On a stream of that incarnation. What the cache knows need not come again. Both outlive it.
  StreamRequest(StreamPool& streams, PullCache& cache, const Incarnation& incarnation)
      : streams_(streams), cache_(cache), pooled_(streams.Take(incarnation)) {}
  StreamRequest(const StreamRequest&) = delete;
  StreamRequest& operator=(const StreamRequest&) = delete;

  // Of a push, what its worker's session says: PushHead's sequence, kept and groups_version.
  struct PushNumbers {
    uint64_t sequence = 0;
    uint64_t kept = 0;
    uint64_t groups_version = 0;
  };
  // `tensors` are those of `push`, perhaps encoded.
  void AddPush(const PushRequest& push, const PushTensors& tensors, const PushNumbers& numbers);
  // Of a request without a push some variables may be pulled by rows.
  void AddPull(const PullSpec& spec, const Compression& compression);

  // Sends it, and waits until `deadline` for the answer's head, which says what became of the push;
  // without a push for all of the answer. Unless the outcome is OK, the request is over.
  Outcome Send(Clock::time_point deadline);
  // Of a push that was sent.
  PushAnswer pushed() const;
  // Whether the push was applied and is on the server's stable storage.
  bool outlives_a_crash() const;
  // Of the answer, in bytes.
  uint64_t missing_bytes() const { return answer_.missing_bytes(); }
  // What was pulled, in the order of the names, when all of the answer has come, for which it
  // waits. Nothing without a pull, or when the push is done, but the pull failed. Once; the request
  // is over.
  std::optional<PullResult> TakeValues();

 private:
  // Which tensors come with the answer. Internal for the answer of another request.
  absl::StatusOr<std::vector<wire::IncomingTensor>> Expect(const v1::FrameHeader& answer);
  absl::StatusOr<std::vector<wire::IncomingTensor>> ExpectPulled(const v1::FrameHeader& answer);
  Outcome Write();
  Outcome ReadRest();
  Outcome ReadFrame();
  // The stream has ended within the request.
  Outcome Ended();
  PullResult TakePulled();
  bool caches() const { return cache_.on() && !pull_->exact; }

  StreamPool& streams_;
  PullCache& cache_;
  PooledStream pooled_;
  const wire::Header head_;
  std::vector<Tensor> tensors_;  // until they are sent
  wire::FrameReader answer_{[this](const v1::FrameHeader& answer) { return Expect(answer); }};

  std::optional<PullSpec> pull_;
  std::vector<PullWish> wishes_;
  PullCache::Known known_;  // in the end what need not come
  bool repeats_ = false;    // the stream's last pull
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_STREAM_REQUEST_H_
