// Memory that cannot be had when a test says so.
#ifndef VARSCOPE_TESTS_UNIT_SERVER_FAILING_MEMORY_H_
#define VARSCOPE_TESTS_UNIT_SERVER_FAILING_MEMORY_H_

#include <cstdint>

namespace varscope::testing {

// While it lives, the calling thread ends the program when it asks for memory.
class NoMemory {
 public:
  NoMemory();
  ~NoMemory();
  NoMemory(const NoMemory&) = delete;
  NoMemory& operator=(const NoMemory&) = delete;
};

// While it lives, operator new throws std::bad_alloc in the calling thread: after it has been
// called `calls` times, `times` times in a row. Not where the sanitizers have their own
// (IsSanitized).
class FailingMemory {
 public:
  explicit FailingMemory(uint64_t calls, uint64_t times = 1);
  ~FailingMemory();
  FailingMemory(const FailingMemory&) = delete;
  FailingMemory& operator=(const FailingMemory&) = delete;
  // Whether it has thrown.
  bool failed() const;
};

// The same in all threads but the calling one, one at a time: for what a server in this process
// does. What gRPC takes for itself is not counted and does not fail: it ends the process.
class FailingMemoryOfOthers {
 public:
  explicit FailingMemoryOfOthers(uint64_t calls, uint64_t times = 1);
  ~FailingMemoryOfOthers();
  FailingMemoryOfOthers(const FailingMemoryOfOthers&) = delete;
  FailingMemoryOfOthers& operator=(const FailingMemoryOfOthers&) = delete;
  // Whether it has thrown.
  bool failed() const;
};

// What the calling thread takes by operator new while it lives, one at a time. Nothing where the
// sanitizers have their own.
class MemoryUse {
 public:
  MemoryUse();
  MemoryUse(const MemoryUse&) = delete;
  MemoryUse& operator=(const MemoryUse&) = delete;
  // In bytes, beyond what there was at its beginning: now, and at most until now.
  int64_t now() const;
  int64_t most() const;
};

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_UNIT_SERVER_FAILING_MEMORY_H_
