// Protobuf messages whose memory counts.
#ifndef VARSCOPE_PROTO_WIRE_ARENA_MESSAGE_H_
#define VARSCOPE_PROTO_WIRE_ARENA_MESSAGE_H_

#include <google/protobuf/arena.h>
#include <google/protobuf/message_lite.h>
#include <grpcpp/support/slice.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "proto/memory/memory_account.h"

namespace varscope::wire {

// An arena whose blocks are taken from the process's MemoryAccount, whatever its limit is: who
// fills it stops when the account says so.
std::unique_ptr<google::protobuf::Arena> MakeArena();

// Reads what another process wrote. A few bytes on the wire may become fifty times as many here, so
// it stops when the account is full. InvalidArgument for bytes that are not such a message; as
// MemoryAccount::Refusal without memory. `held` becomes what the message's texts take.
absl::Status Parse(const std::vector<grpc::Slice>& slices, google::protobuf::MessageLite& message,
                   MemoryAccount::Hold& held);

// A T and all that it holds in one arena, because a header of thousands of tensors has tens of
// thousands of parts. Movable; not thread-safe.
template <typename T>
class ArenaMessage {
 public:
  ArenaMessage()
      : arena_(MakeArena()), message_(google::protobuf::Arena::CreateMessage<T>(arena_.get())) {}

  T& operator*() const { return *message_; }
  T* operator->() const { return message_; }

  // What it takes.
  uint64_t bytes() const { return arena_->SpaceAllocated() + held_.bytes(); }

  // As wire::Parse. Once.
  absl::Status Parse(const std::vector<grpc::Slice>& slices) {
    return wire::Parse(slices, *message_, held_);
  }

 private:
  std::unique_ptr<google::protobuf::Arena> arena_;
  T* message_;  // in the arena
  MemoryAccount::Hold held_;
};

}  // namespace varscope::wire

#endif  // VARSCOPE_PROTO_WIRE_ARENA_MESSAGE_H_
