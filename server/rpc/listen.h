// Addresses as --listen names them.
#ifndef VARSCOPE_SERVER_RPC_LISTEN_H_
#define VARSCOPE_SERVER_RPC_LISTEN_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/shm/file_descriptor.h"

namespace varscope::server {

struct Listening {
  std::vector<shm::FileDescriptor> sockets;  // one for each address of the host's name
  int port = 0;                              // 0: a Unix socket
  std::string path;                          // of a Unix socket: for RemoveSocket at the end
  std::pair<uint64_t, uint64_t> file;        // of the path: its device and inode
};

// HOST:PORT (a name, an IPv4 address, an IPv6 address in brackets; port 0: any free one; the
// wildcard of either family means both), unix:PATH, or unix-abstract:NAME. InvalidArgument for
// another text, Unavailable, with the system's reason, when nothing can listen there.
absl::StatusOr<Listening> Listen(const std::string& address);

// Removes the path of a Unix socket, unless another file is there by now.
void RemoveSocket(const Listening& listening);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_LISTEN_H_
