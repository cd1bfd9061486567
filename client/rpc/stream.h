// A two-way stream of messages to the server, whatever carries it.
#ifndef VARSCOPE_CLIENT_RPC_STREAM_H_
#define VARSCOPE_CLIENT_RPC_STREAM_H_

#include <grpcpp/support/byte_buffer.h>

#include "client/rpc/retry.h"
#include "proto/wire/frame_writer.h"

namespace varscope::internal {

// Not thread-safe.
class Stream {
 public:
  virtual ~Stream() = default;

  // By when all that follows must be done, else the stream fails with DEADLINE_EXCEEDED.
  virtual void SetDeadline(Clock::time_point deadline) = 0;
  // How its tensors should be split into frames.
  virtual wire::FrameOptions frames() const = 0;
  // False when the stream has ended: Finish says why.
  virtual bool Write(const grpc::ByteBuffer& message) = 0;
  // What is read is good until the next call.
  virtual bool Read(grpc::ByteBuffer* message) = 0;
  // Ends the stream.
  virtual Outcome Finish() = 0;
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_RPC_STREAM_H_
