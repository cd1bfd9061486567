// The connections that bring the most, to be ended when memory runs out.
#ifndef VARSCOPE_SERVER_RPC_BUSY_CONNECTIONS_H_
#define VARSCOPE_SERVER_RPC_BUSY_CONNECTIONS_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace varscope::server {

// Finds them among the process's descriptors and by what the system says of each, so that nothing
// is counted while there is memory. Not thread-safe.
class BusyConnections {
 public:
  // Those that were accepted on one of these ports, of which 0 is none, or by a Unix socket of one
  // of these names (UnixNameOf).
  explicit BusyConnections(std::vector<int> ports, std::vector<std::string> unix_names = {})
      : ports_(std::move(ports)), unix_names_(std::move(unix_names)) {}

  // From now on it is counted what each brings.
  void Look();
  // Ends those that have brought, since the last Look, at least half as much as the busiest, when
  // all together have brought what may have become `excess` bytes of memory. Nobody is ended for
  // what he did not bring. Returns their peers.
  std::vector<std::string> End(uint64_t excess);

 private:
  struct Connection {
    int descriptor = -1;
    uint64_t received = 0;  // since it began; of a Unix socket nobody knows that
    uint64_t brought = 0;   // since the last Look
  };

  // Sees what each has brought since the last time.
  void Update();
  bool IsOurs(int descriptor, bool over_tcp) const;

  const std::vector<int> ports_;
  const std::vector<std::string> unix_names_;
  std::map<uint64_t, Connection> connections_;  // by inode, which no other has
};

// The name that a Unix socket was bound to, or its listener, as the system has it: a path, or a
// zero byte and a name. Empty: the descriptor has none.
std::string UnixNameOf(int descriptor);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_BUSY_CONNECTIONS_H_
