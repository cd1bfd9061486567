// Memory that cannot be had when a test says so. Of the calling thread only.
#ifndef VARSCOPE_TESTS_UNIT_SERVER_FAILING_MEMORY_H_
#define VARSCOPE_TESTS_UNIT_SERVER_FAILING_MEMORY_H_

#include <cstdint>

namespace varscope::testing {

// While it lives, who asks for memory ends the program.
class NoMemory {
 public:
  NoMemory();
  ~NoMemory();
  NoMemory(const NoMemory&) = delete;
  NoMemory& operator=(const NoMemory&) = delete;
};

// While it lives, operator new throws std::bad_alloc once: after it has been called `calls` times.
// Not where the sanitizers have their own (IsSanitized).
class FailingMemory {
 public:
  explicit FailingMemory(uint64_t calls);
  ~FailingMemory();
  FailingMemory(const FailingMemory&) = delete;
  FailingMemory& operator=(const FailingMemory&) = delete;
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
