// How a graph is connected to a server. All types here are values. What does not fit together
// throws ValueError where the graph is connected: Graph(target) and Session(target).
#ifndef VARSCOPE_CONNECT_OPTIONS_H_
#define VARSCOPE_CONNECT_OPTIONS_H_

#include <chrono>
#include <string>
#include <vector>

namespace varscope {

// Who decides whether a name may be reused; see the README's table.
enum class SharingMode {
  kGlobal,     // the server, for all workers: for different programs that share one store
  kReplicated  // this worker's graph; what other workers made is shared: for copies of one program
};

// How tensors travel to and from a server on the worker's host.
enum class TransportMode {
  // Through shared memory when server and worker run as one user. On another host, in another
  // network namespace, or without shared memory: as kTarget.
  kAuto,
  // To the address that the program names, like everything else.
  kTarget,
};

// How float32 tensors are written on the wire, little-endian.
enum class Encoding {
  kNone,      // 4 bytes an element, unchanged
  kFloat16,   // 2 bytes: IEEE binary16; values beyond 65504 become 65504
  kBfloat16,  // 2 bytes: float32's range, 8 bits of precision; gradients are rounded at random
  kInt8,      // 1 byte: 255 steps for each 256 elements, by the largest of them; gradients only
};

// Applies to the variables whose name is `prefix` or begins with `prefix` and a slash. The rule
// with the longest prefix wins; the empty prefix is for all other variables. Variables of other
// dtypes, and encodings that a server does not know, are sent unchanged.
struct CompressionRule {
  std::string prefix = {};  // of names in the store
  // For gradients. The rounding error of a dense gradient is added to the variable's next one
  // (error feedback). It takes as much of this worker's memory as the gradient.
  Encoding push = Encoding::kNone;
  // For values, rounded to nearest; not kInt8, which is a ValueError. The server keeps the exact
  // values.
  Encoding pull = Encoding::kNone;
};

struct ConnectOptions {
  // 1 to 256 printable ASCII characters without blanks. A worker that restarts with the same id may
  // share what it created before; one that connects while another of its id is there fences that
  // one off. Empty: the environment's VARSCOPE_WORKER (a second connection of this process beside
  // it gets "-1" after it, a third "-2"), else host, process and a number that was drawn.
  std::string worker_id = {};
  SharingMode sharing = SharingMode::kGlobal;
  // The longest time for each call to the server (a definition, a pull, a push), its repetitions
  // included, and for the first connection. Above 0, up to about 30 years.
  std::chrono::milliseconds timeout = std::chrono::seconds(60);
  // Keeps the values that were pulled last (up to 1 GiB), so that the server does not send again
  // what has not changed.
  bool cache_pulls = true;
  // A run that trains also fetches the values that the next run pulls: one round trip a step
  // instead of two. The run returns when its push is done; the values arrive meanwhile. They are
  // those at the end of the last run, not at the beginning of the next: what other workers push in
  // between is seen a step later. Session::barrier() discards prefetched values.
  bool prefetch = false;
  // A CRC32C in each frame to or from the target's address: damaged frames are sent again. It costs
  // one pass over the bytes on both sides; see tests/bench/RESULTS.md.
  bool checksums = true;
  // For networks that are slower than the rounding.
  std::vector<CompressionRule> compression = {};
  // VARSCOPE_TRANSPORT=target in the environment turns kAuto into kTarget.
  TransportMode transport = TransportMode::kAuto;
  // How many threads may compute in the runs of the graph at a time, up to 4096; graphs of one
  // process that name the same number share these. 0: those of the process, VARSCOPE_THREADS of the
  // environment, else one for each core.
  int threads = 0;
};

}  // namespace varscope

#endif  // VARSCOPE_CONNECT_OPTIONS_H_
