#include "client/rpc/raw_call.h"

#include <atomic>
#include <utility>

#include "proto/concurrency/spin.h"
#include "proto/wire/session.h"

namespace varscope::internal {
namespace {

// Measured with tests/bench: a thread that has gone to sleep takes tens of microseconds to be back
// (on a virtual machine more), of which a large transfer would have hundreds. Where several wait,
// they leave the cores to each other: with 100 us instead of 20, the slowest of 100 steps of four
// workers on two cores took three times as long.
constexpr std::chrono::microseconds kSpin{20};
constexpr std::chrono::microseconds kSpinAlone{1000};

std::atomic<int> waiting{0};  // threads of this process

class Waiting {
 public:
  Waiting() : alone_(waiting.fetch_add(1, std::memory_order_relaxed) == 0) {}
  ~Waiting() { waiting.fetch_sub(1, std::memory_order_relaxed); }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  bool alone() const { return alone_; }

 private:
  const bool alone_;
};

}  // namespace

RawCall::RawCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                 const std::string& session_key, bool checksums, std::shared_ptr<CallList> calls)
    : checksums_(checksums), stub_(channel) {
  if (!session_key.empty()) context_.AddMetadata(wire::kSessionMetadata, session_key);
  stream_ = stub_.PrepareCall(&context_, method, &queue_);
  if (calls != nullptr) entry_.emplace(std::move(calls), context_);
}

RawCall::~RawCall() {
  if (started_ && !finished_) {
    Cancel();
    Finish();
  }
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

bool RawCall::Wait() {
  void* tag = nullptr;
  bool ok = false;
  const auto arrived = [&] {
    return queue_.AsyncNext(&tag, &ok, gpr_inf_past(GPR_CLOCK_MONOTONIC)) !=
           grpc::CompletionQueue::TIMEOUT;
  };
  const Waiting waiting;
  const auto until = Clock::now() + (waiting.alone() ? kSpinAlone : kSpin);
  // Each look lets gRPC do what there is to do.
  if (Spin(until, /*looks=*/1, arrived)) return ok;
  if (queue_.AsyncNext(&tag, &ok, ToGrpc(deadline_)) != grpc::CompletionQueue::TIMEOUT) return ok;
  late_ = true;
  Cancel();
  return queue_.Next(&tag, &ok) && ok;
}

bool RawCall::Start() {
  if (std::exchange(started_, true)) return true;
  stream_->StartCall(this);
  return Wait();
}

bool RawCall::Write(const grpc::ByteBuffer& message) {
  if (!Start()) return false;
  stream_->Write(message, this);
  return Wait();
}

bool RawCall::WritesDone() {
  if (!Start()) return false;
  stream_->WritesDone(this);
  return Wait();
}

bool RawCall::Read(grpc::ByteBuffer* message) {
  stream_->Read(message, this);
  return Wait();
}

Outcome RawCall::Finish() {
  grpc::Status status;
  stream_->Finish(&status, this);
  Wait();
  finished_ = true;
  if (late_) status = {grpc::StatusCode::DEADLINE_EXCEEDED, "no answer within the deadline"};
  Outcome outcome = OutcomeOf(status, context_);
  outcome.silent = late_;
  return outcome;
}

}  // namespace varscope::internal
