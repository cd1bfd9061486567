#include "server/rpc/shm_listener.h"

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/status/statusor.h"

namespace varscope::server {
namespace {

bool MayShare(const shm::Doorbell& doorbell) {
  const absl::StatusOr<uid_t> user = doorbell.peer();
  return user.ok() && (*user == geteuid() || *user == 0);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ShmListener>> ShmListener::Start(const ServiceContext& service,
                                                                const std::string& name,
                                                                size_t max_streams) {
  absl::StatusOr<shm::FileDescriptor> listening = shm::Listen(name);
  if (!listening.ok()) return listening.status();
  return std::unique_ptr<ShmListener>(new ShmListener(service, *std::move(listening), max_streams));
}

ShmListener::ShmListener(const ServiceContext& service, shm::FileDescriptor listening,
                         size_t max_streams)
    : service_(service),
      max_streams_(max_streams),
      listening_(std::move(listening)),
      accepting_([this] { AcceptAll(); }) {}

ShmListener::~ShmListener() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  shutdown(listening_.get(), SHUT_RDWR);
  accepting_.join();
  {
    std::lock_guard lock(mutex_);
    for (Stream& stream : streams_) {
      if (stream.session) stream.session->HangUp();
    }
  }
  for (Stream& stream : streams_) stream.thread.join();
}

void ShmListener::AcceptAll() {
  for (;;) {
    shm::FileDescriptor socket(accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const int error = errno;
    {
      std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    RemoveEnded();
    if (socket.valid()) {
      Serve(shm::Doorbell(std::move(socket)));
    } else if (error != EINTR && error != ECONNABORTED) {
      spdlog::warn("no shared memory for a worker: {}", std::strerror(error));
      PauseBriefly();
    }
  }
}

void ShmListener::Serve(shm::Doorbell doorbell) {
  if (!MayShare(doorbell) || streams_.size() >= max_streams_) return;
  absl::StatusOr<shm::Link> link = shm::Link::Accept(std::move(doorbell));
  if (!link.ok()) {
    spdlog::warn("no shared memory for a worker: {}", std::string(link.status().message()));
    return;
  }
  std::lock_guard lock(mutex_);
  Stream& stream = streams_.emplace_back(
      Stream{std::make_unique<ShmSession>(service_, *std::move(link)), std::thread()});
  stream.thread = std::thread([this, &stream, session = stream.session.get()] {
    session->Serve();
    std::lock_guard over(mutex_);
    stream.session.reset();
  });
}

void ShmListener::RemoveEnded() {
  std::list<Stream> ended;
  {
    std::lock_guard lock(mutex_);
    for (auto it = streams_.begin(); it != streams_.end();) {
      const auto next = std::next(it);
      if (!it->session) ended.splice(ended.end(), streams_, it);
      it = next;
    }
  }
  for (Stream& stream : ended) stream.thread.join();
}

void ShmListener::PauseBriefly() {
  std::unique_lock lock(mutex_);
  stop_.wait_for(lock, std::chrono::milliseconds(100), [this] { return stopping_; });
}

}  // namespace varscope::server
