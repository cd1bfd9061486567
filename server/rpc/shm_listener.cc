#include "server/rpc/shm_listener.h"

#include <unistd.h>

#include <exception>
#include <new>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/memory/idle_memory.h"
#include "server/limited_log.h"
#include "server/rpc/descriptors.h"

namespace varscope::server {
namespace {

bool MayShare(const shm::Doorbell& doorbell) {
  const absl::StatusOr<uid_t> user = doorbell.peer();
  return user.ok() && (*user == geteuid() || *user == 0);
}

void WarnOfNone(absl::string_view why) noexcept {
  static constinit LimitedLog log;
  log.Warn("no shared memory for a worker: ", why);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ShmListener>> ShmListener::Start(const ServiceContext& service,
                                                                const std::string& name,
                                                                size_t max_streams) {
  absl::StatusOr<shm::FileDescriptor> socket = shm::Listen(name);
  if (!socket.ok()) return socket.status();
  std::vector<shm::FileDescriptor> listening;
  listening.push_back(*std::move(socket));
  auto self = std::unique_ptr<ShmListener>(new ShmListener(service, max_streams));
  absl::StatusOr<std::unique_ptr<AcceptLoop>> accepting =
      AcceptLoop::Start(std::move(listening), [listener = self.get()](auto connection, int) {
        listener->RemoveEnded();
        listener->Serve(shm::Doorbell(std::move(connection)));
      });
  if (!accepting.ok()) return accepting.status();
  self->accepting_ = *std::move(accepting);
  return self;
}

ShmListener::~ShmListener() {
  accepting_.reset();
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    for (Stream& stream : streams_) {
      if (stream.session) stream.session->HangUp();
    }
  }
  for (Stream& stream : streams_) stream.thread.join();
}

void ShmListener::Serve(shm::Doorbell doorbell) {
  if (!MayShare(doorbell)) return;
  MutexLock lock(mutex_);
  if (streams_.size() >= max_streams_) return;
  Stream& stream = streams_.emplace_back();
  try {
    stream.thread = std::thread([this, &stream, doorbell = std::move(doorbell)]() mutable {
      Run(stream, std::move(doorbell));
    });
  } catch (const std::exception& error) {  // std::system_error, std::bad_alloc
    streams_.pop_back();
    WarnOfNone(error.what());
  }
}

// Hands the memory over on the stream's own thread: a worker that has it no longer goes on without.
// Without memory to go on with it the stream ends, the others go on.
void ShmListener::Run(Stream& stream, shm::Doorbell doorbell) noexcept {
  try {
    ServeToEnd(stream, std::move(doorbell));
  } catch (const std::bad_alloc& error) {
    WarnOfNone(error.what());
  }
  MutexLock lock(mutex_);
  stream.session.reset();
  stream.over = true;
}

void ShmListener::ServeToEnd(Stream& stream, shm::Doorbell doorbell) {
  // All of them together, because nobody knows yet whose this will be.
  const absl::StatusOr<IdleMemory::Hold> held =
      IdleMemory::Process().Reserve("streams through shared memory", shm::kSegmentBytes);
  absl::StatusOr<shm::Link> link =
      held.ok() ? shm::Link::Accept(std::move(doorbell), ConnectionDescriptorLimit())
                : held.status();
  if (!link.ok()) WarnOfNone(link.status().message());
  MutexLock lock(mutex_);
  if (!link.ok() || stopping_) return;
  stream.session = std::make_unique<ShmStream>(service_, *std::move(link));
  {
    MutexUnlock serving(mutex_);
    stream.session->Serve();
  }
  // Which has the memory that is held.
  stream.session.reset();
}

void ShmListener::RemoveEnded() {
  std::list<Stream> ended;
  {
    MutexLock lock(mutex_);
    for (auto it = streams_.begin(); it != streams_.end();) {
      const auto next = std::next(it);
      if (it->over) ended.splice(ended.end(), streams_, it);
      it = next;
    }
  }
  for (Stream& stream : ended) stream.thread.join();
}

}  // namespace varscope::server
