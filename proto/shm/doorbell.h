// A Unix socket between two processes of one host: it hands over the shared memory, wakes the other
// side, and tells when that is gone.
#ifndef VARSCOPE_PROTO_SHM_DOORBELL_H_
#define VARSCOPE_PROTO_SHM_DOORBELL_H_

#include <sys/types.h>

#include <chrono>
#include <string>

#include "absl/status/statusor.h"
#include "proto/shm/file_descriptor.h"

namespace varscope::shm {

using Clock = std::chrono::steady_clock;

// Listens on a name of the host's abstract namespace, which vanishes with the process.
absl::StatusOr<FileDescriptor> Listen(const std::string& name);

// One thread rings, waits and sends; any may hang up.
class Doorbell {
 public:
  // Unavailable when nobody listens on the name: another host, another network namespace.
  static absl::StatusOr<Doorbell> Connect(const std::string& name);
  explicit Doorbell(FileDescriptor socket) : socket_(std::move(socket)) {}

  // Does not wait.
  void Ring();
  // Until the other side has rung. Unavailable: it is gone; DeadlineExceeded, also when it has
  // rung, once the deadline has passed: whoever waits again and again for a side that rings without
  // pause comes to an end.
  absl::Status Wait(Clock::time_point deadline);
  // Ends every wait of both sides.
  void HangUp();

  absl::Status Send(const FileDescriptor& file);
  // Errors as Wait's.
  absl::StatusOr<FileDescriptor> Receive(Clock::time_point deadline);

  // Whose process the other side is.
  absl::StatusOr<uid_t> peer() const;

 private:
  absl::Status AwaitInput(Clock::time_point deadline);

  FileDescriptor socket_;
};

}  // namespace varscope::shm

#endif  // VARSCOPE_PROTO_SHM_DOORBELL_H_
