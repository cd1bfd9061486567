// The TCP connections that bring the most, to be ended when memory runs out.
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
  // Those that were accepted on one of these ports; 0 is none.
  explicit BusyConnections(std::vector<int> ports) : ports_(std::move(ports)) {}

  // Remembers what each has received.
  void Look() { received_ = ReceivedNow(); }
  // Ends those that have received at least half as much as the busiest since the last look, and
  // looks again. Returns their peers; none when nothing came.
  std::vector<std::string> End();

 private:
  struct Connection {
    int descriptor;
    std::string peer;
    friend auto operator<=>(const Connection&, const Connection&) = default;
  };
  using Received = std::map<Connection, uint64_t>;  // in bytes, since they began
  Received ReceivedNow() const;

  const std::vector<int> ports_;
  Received received_;
};

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_BUSY_CONNECTIONS_H_
