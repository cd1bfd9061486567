#include "server/rpc/health.h"

#include <chrono>
#include <functional>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/concurrency/mutex.h"
#include "proto/memory/idle_memory.h"
#include "server/rpc/call_bytes.h"
#include "server/rpc/caller_of.h"
#include "server/rpc/raw_method.h"
#include "server/rpc/status.h"
#include "varscope/v1/admin.grpc.pb.h"
#include "varscope/v1/worker.grpc.pb.h"

namespace varscope::server {

namespace health = grpc::health::v1;

namespace {

// What a request asks for; bytes that are none ask for a service that nobody knows. None is long.
std::string ServiceIn(grpc::ByteBuffer& bytes) {
  constexpr size_t kLongest = 1024;
  health::HealthCheckRequest request;
  const bool parsed = bytes.Length() <= kLongest &&
                      grpc::GenericDeserialize<grpc::ProtoBufferReader, health::HealthCheckRequest>(
                          &bytes, &request)
                          .ok();
  bytes.Clear();
  return parsed ? request.service() : "?";
}

bool IsKnown(const std::string& service) {
  return service.empty() || service == v1::ParameterServer::service_full_name() ||
         service == v1::Admin::service_full_name();
}

}  // namespace

// One that watches, until it goes away. Lives as long as an operation of it is under way, the wait
// for its end among them.
class HealthService::Watcher final : public std::enable_shared_from_this<Watcher> {
 public:
  Watcher(HealthService& service, CallQueue& queue)
      : service_(service), hold_(queue), writer_(&context_) {}

  static void Accept(HealthService& service, CallQueue& queue) {
    CallQueue::UntilThereIsMemory([&] {
      const auto next = std::make_shared<Watcher>(service, queue);
      CallQueue::OwnTag gone(next->Tag([next](bool) {}));
      CallQueue::OwnTag came(next->Tag([&service, &queue, next, gone = gone.get()](bool ok) {
        if (!ok) return CallQueue::Drop(gone);
        Accept(service, queue);
        next->known_ = IsKnown(ServiceIn(next->bytes_));
        absl::Status room = next->TakeRoom();
        if (room.ok()) room = service.Add(next);
        if (!room.ok()) next->Refuse(room);
      }));
      next->context_.AsyncNotifyWhenDone(gone.get());
      service.RequestWatch(&next->context_, &next->bytes_, &next->writer_, queue.queue(),
                           queue.queue(), came.get());
      // gRPC gives them back.
      static_cast<void>(gone.release());
      static_cast<void>(came.release());
    });
  }

  void Tell() {
    MutexLock lock(mutex_);
    due_ = true;
    if (!writing_) Write();
  }

 private:
  void* Tag(std::function<void(bool ok)> then) { return CallQueue::Tag(context_, std::move(then)); }

  absl::Status TakeRoom() {
    absl::StatusOr<IdleMemory::Hold> held = IdleMemory::Process().Reserve(
        Caller{.peer = AddressOf(context_.peer())}.holder(), kCallBytes);
    if (!held.ok()) return held.status();
    held_ = *std::move(held);
    return absl::OkStatus();
  }

  void Refuse(const absl::Status& why) {
    const grpc::Status end = ToGrpc(why, context_);
    CallQueue::Begin(
        context_, [self = shared_from_this()](bool) {},
        [&](void* tag) { writer_.Finish(end, tag); });
  }

  // What throws has told nothing.
  void Write() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const State now = known_ ? service_.StateNow() : health::HealthCheckResponse::SERVICE_UNKNOWN;
    if (told_ == now) {
      due_ = false;
      return;
    }
    health::HealthCheckResponse response;
    response.set_status(now);
    const grpc::ByteBuffer bytes = ToBytes(response);
    const auto written = [self = shared_from_this()](bool ok) {
      MutexLock lock(self->mutex_);
      self->writing_ = false;
      if (ok && self->due_) self->Write();
    };
    CallQueue::Begin(context_, written, [&](void* tag) { writer_.Write(bytes, tag); });
    // It ends only once it has the lock.
    due_ = false;
    told_ = now;
    writing_ = true;
  }

  HealthService& service_;
  const CallQueue::Hold hold_;
  grpc::ServerContext context_;
  grpc::ByteBuffer bytes_;
  bool known_ = false;     // what it asks for
  IdleMemory::Hold held_;  // once it watches
  grpc::ServerAsyncWriter<grpc::ByteBuffer> writer_;
  Mutex mutex_;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool due_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<State> told_ ABSL_GUARDED_BY(mutex_);
};

// One question. Answered also while the server stops.
class HealthService::CheckCall final : public std::enable_shared_from_this<CheckCall> {
 public:
  explicit CheckCall(CallQueue& queue) : hold_(queue), writer_(&context_) {}

  static void Accept(HealthService& service, CallQueue& queue) {
    CallQueue::UntilThereIsMemory([&] {
      const auto next = std::make_shared<CheckCall>(queue);
      CallQueue::Begin(
          next->context_,
          [&service, &queue, next](bool ok) {
            if (!ok) return;
            Accept(service, queue);
            next->Answer(service);
          },
          [&](void* tag) {
            service.RequestCheck(&next->context_, &next->bytes_, &next->writer_, queue.queue(),
                                 queue.queue(), tag);
          });
    });
  }

 private:
  void Answer(const HealthService& service) {
    grpc::Status status;
    health::HealthCheckResponse response;
    if (IsKnown(ServiceIn(bytes_))) {
      response.set_status(service.StateNow());
    } else {
      status = {grpc::StatusCode::NOT_FOUND,
                "no such service: ask for \"\" or " +
                    std::string(v1::ParameterServer::service_full_name())};
    }
    const grpc::ByteBuffer bytes = ToBytes(response);
    CallQueue::Begin(
        context_, [self = shared_from_this()](bool) {},
        [&](void* tag) { writer_.Finish(bytes, status, tag); });
  }

  const CallQueue::Hold hold_;
  grpc::ServerContext context_;
  grpc::ByteBuffer bytes_;
  grpc::ServerAsyncResponseWriter<grpc::ByteBuffer> writer_;
};

HealthService::HealthService(const Durability& durability, Env& env)
    : durability_(durability),
      env_(env),
      timer_(env.StartTimer("health", [this] { return Look(); })) {}

Time HealthService::Look() {
  constexpr std::chrono::seconds kBetween{1};
  {
    MutexLock lock(mutex_);
    ForgetGone();
    if (watchers_.empty()) return kNever;
  }
  const State now = StateNow();
  if (told_ != now) TellAll();
  told_ = now;  // all of them know
  return env_.Now() + kBetween;
}

void HealthService::Accept(CallQueue& queue) {
  CheckCall::Accept(*this, queue);
  Watcher::Accept(*this, queue);
}

absl::Status HealthService::Add(const std::shared_ptr<Watcher>& watcher) {
  {
    MutexLock lock(mutex_);
    if (watchers_.size() >= kMostWatchers) ForgetGone();
    if (watchers_.size() >= kMostWatchers) {
      return absl::ResourceExhaustedError(
          absl::StrCat(kMostWatchers,
                       " calls watch the server's health, no more may: end one, or ask by Check"));
    }
    watchers_.push_back(watcher);
  }
  timer_->Wake();
  watcher->Tell();
  return absl::OkStatus();
}

void HealthService::ForgetGone() {
  std::erase_if(watchers_, [](const std::weak_ptr<Watcher>& other) { return other.expired(); });
}

void HealthService::StopServing() {
  {
    MutexLock lock(mutex_);
    serving_ = false;
  }
  TellAll();
}

void HealthService::TellAll() {
  std::vector<std::weak_ptr<Watcher>> watchers;
  {
    MutexLock lock(mutex_);
    watchers = watchers_;
  }
  for (const std::weak_ptr<Watcher>& watcher : watchers) {
    if (const std::shared_ptr<Watcher> watching = watcher.lock()) watching->Tell();
  }
}

HealthService::State HealthService::StateNow() const {
  constexpr uint64_t kSmallPush = 4096;
  const bool takes_pushes =
      durability_.Health().ok() && MemoryAccount::Process().Reserve(kSmallPush).ok();
  MutexLock lock(mutex_);
  return serving_ && takes_pushes ? health::HealthCheckResponse::SERVING
                                  : health::HealthCheckResponse::NOT_SERVING;
}

}  // namespace varscope::server
