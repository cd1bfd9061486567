// Fuzzes the whole server: the input decides which requests of which workers come, of every kind,
// with fields as they should be and as they should not, and what the process and the disk do. See
// tests/simulation/world.h for what must hold after each of them and at the end; beside that, the
// account of memory is what it was before when the server is gone, and what the same state takes
// after a restart when all workers have left.
#include <spdlog/spdlog.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "proto/memory/memory_account.h"
#include "proto/tensor/block_pool.h"
#include "tests/simulation/draws.h"
#include "tests/simulation/story.h"
#include "tests/simulation/world.h"

namespace varscope::simulation {
namespace {

// Refusals and failed writes are what it is about.
const bool kQuiet = [] {
  spdlog::set_level(spdlog::level::off);
  return true;
}();

// As many as the bytes decide, but no more.
constexpr size_t kMostOperations = 200;

uint64_t Held() {
  BlockPool::Process()->FreeKept();
  return MemoryAccount::Process().used();
}

[[noreturn]] void Fail(const World& world, const std::string& wrong, const std::string& events) {
  std::fprintf(stderr, "%s\n%s\n%s\n", wrong.c_str(), world.wrong().c_str(), events.c_str());
  abort();
}

void Run(std::span<const uint8_t> bytes) {
  const uint64_t before = Held();
  {
    ByteDraws draws(bytes);
    World world(draws.Draw("seed", 1 << 16));
    const StoryOptions options{.operations = kMostOperations,
                               .faults = draws.OneIn("faults", 2),
                               .until = [&draws] { return draws.empty(); }};
    Totals totals;
    std::string wrong;
    try {
      wrong = Story(world, draws, options).Run(totals);
    } catch (const std::runtime_error& error) {
      wrong = std::string("the server did not start: ") + error.what();
    }
    if (!wrong.empty()) Fail(world, wrong, world.env().trace().Tail(60));
  }
  if (Held() != before) {
    std::fprintf(stderr, "%lu bytes of the account are left\n",
                 static_cast<unsigned long>(Held() - before));
    abort();
  }
}

}  // namespace
}  // namespace varscope::simulation

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  varscope::simulation::Run({data, size});
  return 0;
}
