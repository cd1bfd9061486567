#include "server/rpc/health.h"

#include "proto/concurrency/mutex.h"
#include "varscope/v1/admin.grpc.pb.h"
#include "varscope/v1/worker.grpc.pb.h"

namespace varscope::server {

namespace health = grpc::health::v1;

// One that watches, until it goes away. Lives as long as an operation of it is under way, the wait
// for its end among them.
class HealthService::Watcher final : public std::enable_shared_from_this<Watcher> {
 public:
  Watcher(HealthService& service, CallQueue& queue)
      : service_(service), hold_(queue), writer_(&context_) {}

  static void Accept(HealthService& service, CallQueue& queue) {
    const auto next = std::make_shared<Watcher>(service, queue);
    void* const gone = CallQueue::Tag([next](bool) {});
    next->context_.AsyncNotifyWhenDone(gone);
    service.RequestWatch(&next->context_, &next->request_, &next->writer_, queue.queue(),
                         queue.queue(), CallQueue::Tag([&service, &queue, next, gone](bool ok) {
                           if (!ok) return CallQueue::Drop(gone);
                           Accept(service, queue);
                           service.Add(next);
                         }));
  }

  void Tell() {
    MutexLock lock(mutex_);
    due_ = true;
    if (!writing_) Write();
  }

 private:
  void Write() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    health::HealthCheckResponse response;
    response.set_status(service_.StateOf(request_.service()));
    due_ = false;
    writing_ = true;
    writer_.Write(response, CallQueue::Tag([self = shared_from_this()](bool ok) {
                    MutexLock lock(self->mutex_);
                    self->writing_ = false;
                    if (ok && self->due_) self->Write();
                  }));
  }

  HealthService& service_;
  const CallQueue::Hold hold_;
  grpc::ServerContext context_;
  health::HealthCheckRequest request_;
  grpc::ServerAsyncWriter<health::HealthCheckResponse> writer_;
  Mutex mutex_;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool due_ ABSL_GUARDED_BY(mutex_) = false;
};

void HealthService::Accept(CallQueue& queue) { Watcher::Accept(*this, queue); }

void HealthService::Add(const std::shared_ptr<Watcher>& watcher) {
  {
    MutexLock lock(mutex_);
    std::erase_if(watchers_, [](const std::weak_ptr<Watcher>& other) { return other.expired(); });
    watchers_.push_back(watcher);
  }
  watcher->Tell();
}

void HealthService::StopServing() {
  std::vector<std::weak_ptr<Watcher>> watchers;
  {
    MutexLock lock(mutex_);
    serving_ = false;
    watchers = watchers_;
  }
  for (const std::weak_ptr<Watcher>& watcher : watchers) {
    if (const std::shared_ptr<Watcher> watching = watcher.lock()) watching->Tell();
  }
}

HealthService::State HealthService::StateOf(const std::string& service) const {
  const bool known = service.empty() || service == v1::ParameterServer::service_full_name() ||
                     service == v1::Admin::service_full_name();
  if (!known) return health::HealthCheckResponse::SERVICE_UNKNOWN;
  MutexLock lock(mutex_);
  return serving_ ? health::HealthCheckResponse::SERVING : health::HealthCheckResponse::NOT_SERVING;
}

grpc::Status HealthService::Check(grpc::ServerContext*, const health::HealthCheckRequest* request,
                                  health::HealthCheckResponse* response) {
  const State state = StateOf(request->service());
  if (state == health::HealthCheckResponse::SERVICE_UNKNOWN) {
    return {grpc::StatusCode::NOT_FOUND, "no such service: ask for \"\" or " +
                                             std::string(v1::ParameterServer::service_full_name())};
  }
  response->set_status(state);
  return grpc::Status::OK;
}

}  // namespace varscope::server
