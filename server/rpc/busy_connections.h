// The connections that bring the most, to be ended when memory runs out.
#ifndef VARSCOPE_SERVER_RPC_BUSY_CONNECTIONS_H_
#define VARSCOPE_SERVER_RPC_BUSY_CONNECTIONS_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace varscope::server {

// Finds them among the process's descriptors and by what the system has counted, so that nothing
// is kept of connections while there is memory. Not thread-safe.
class BusyConnections {
 public:
  // Those that were accepted on one of these ports, of which 0 is none, or by a Unix socket of one
  // of these names (UnixNameOf).
  explicit BusyConnections(std::vector<int> ports, std::vector<std::string> unix_names = {})
      : ports_(std::move(ports)), unix_names_(std::move(unix_names)) {}

  // Remembers what each has received.
  void Look() { received_ = ReceivedNow(); }
  // Ends those that have received at least half as much as the busiest since the last look, and
  // all over Unix sockets, of which the system does not tell what they have received; then looks
  // again. Returns their peers.
  std::vector<std::string> End();

 private:
  struct Connection {
    int descriptor;
    std::string peer;
    friend auto operator<=>(const Connection&, const Connection&) = default;
  };
  using Received = std::map<Connection, uint64_t>;  // in bytes, since they began
  Received ReceivedNow() const;
  std::vector<Connection> OverUnixSockets() const;

  const std::vector<int> ports_;
  const std::vector<std::string> unix_names_;
  Received received_;
};

// The name that a Unix socket was bound to, or its listener, as the system has it: a path, or a
// zero byte and a name. Empty: the descriptor has none.
std::string UnixNameOf(int descriptor);

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_BUSY_CONNECTIONS_H_
