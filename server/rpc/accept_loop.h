// Accepts connections, whatever the system is short of.
#ifndef VARSCOPE_SERVER_RPC_ACCEPT_LOOP_H_
#define VARSCOPE_SERVER_RPC_ACCEPT_LOOP_H_

#include <poll.h>

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/shm/file_descriptor.h"

namespace varscope::server {

// One thread for all sockets. (gRPC's own listener never accepts again after its first error: 1.51
// and all before 1.53.) No error ends it: when the system has no descriptor or no memory for a
// connection, the connection waits and is asked for again; one that would take a descriptor of the
// server's reserve is closed at once, so that its peer tries again.
class AcceptLoop {
 public:
  // Called on the loop's thread with a connection that does not block, and the socket that it came
  // to. Without memory for it (std::bad_alloc) the connection is closed.
  using Take = std::function<void(shm::FileDescriptor connection, int listening)>;

  // The sockets listen. Unavailable without a thread or a descriptor.
  static absl::StatusOr<std::unique_ptr<AcceptLoop>> Start(
      std::vector<shm::FileDescriptor> listening, Take take);
  // Takes no more when this returns.
  ~AcceptLoop();
  AcceptLoop(const AcceptLoop&) = delete;
  AcceptLoop& operator=(const AcceptLoop&) = delete;

 private:
  AcceptLoop(std::vector<shm::FileDescriptor> listening, shm::FileDescriptor stop, Take take);
  // The socket that ends it, and those that listen.
  std::vector<pollfd> Awaited() const;
  void Run(std::vector<pollfd> awaited) noexcept;
  // False when the system could not give what a connection needs.
  bool AcceptOne(int listening) const noexcept;

  const std::vector<shm::FileDescriptor> listening_;
  const shm::FileDescriptor stop_;  // an eventfd
  const Take take_;
  const int descriptor_limit_;
  std::thread thread_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_ACCEPT_LOOP_H_
