// The answer of a call with one request and one answer, while it is made.
#ifndef VARSCOPE_SERVER_RPC_ANSWER_H_
#define VARSCOPE_SERVER_RPC_ANSWER_H_

#include <google/protobuf/arena.h>

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "proto/memory/idle_memory.h"

namespace varscope::server {

// What an answer takes, as a message and as bytes: reserved before each part of it is made, among
// what the caller has waiting, because he may not read it. Not thread-safe.
class AnswerBudget {
 public:
  // No answer takes more. As bytes alone it is a third of that, which fits into a message.
  static constexpr uint64_t kMost = uint64_t{64} << 20;

  // `holder` as Caller::holder.
  explicit AnswerBudget(std::string holder = "") : holder_(std::move(holder)) {}

  // So many bytes more. ResourceExhausted beyond kMost, or as IdleMemory::Extend.
  absl::Status Reserve(uint64_t bytes);
  uint64_t bytes() const { return bytes_; }

 private:
  const std::string holder_;
  uint64_t bytes_ = 0;
  IdleMemory::Hold held_;
};

// A part of it that may be long, or of which there may be many, is reserved first; what is left
// fits into kCallBytes. Not thread-safe.
template <typename Response>
class Answer {
 public:
  explicit Answer(std::string holder = "")
      : budget_(std::move(holder)),
        message_(google::protobuf::Arena::CreateMessage<Response>(&arena_)) {}
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;

  Response& operator*() const { return *message_; }
  Response* operator->() const { return message_; }
  // As AnswerBudget's.
  absl::Status Reserve(uint64_t bytes) { return budget_.Reserve(bytes); }
  // That were reserved.
  uint64_t bytes() const { return budget_.bytes(); }

 private:
  AnswerBudget budget_;
  google::protobuf::Arena arena_;
  Response* const message_;  // in the arena
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_ANSWER_H_
