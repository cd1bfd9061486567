// How much memory this process may have.
#ifndef VARSCOPE_SERVER_MEMORY_H_
#define VARSCOPE_SERVER_MEMORY_H_

#include <cstdint>
#include <filesystem>

namespace varscope::server {

// In bytes, the least of: the machine's memory, the limits of the process's control group and of
// the groups around it (versions 1 and 2), as the files under `root` say.
uint64_t MemoryOf(const std::filesystem::path& root);

// The same of this machine, or, when that is less, half of what the process's own limits of its
// address space (ulimit -v, -d) leave it now: the other half is for stacks, and for what malloc
// keeps for each thread.
uint64_t UsableMemory();

// What the process has of it now, in bytes; 0 when the system does not say.
uint64_t ResidentMemory();

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_MEMORY_H_
