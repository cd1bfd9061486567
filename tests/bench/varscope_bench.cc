#include "tests/bench/varscope_bench.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <iostream>
#include <thread>

#include "client/rpc/connection.h"
#include "proto/optimizers/sparse.h"
#include "proto/tensor/rows.h"
#include "server/store/completion_records.h"
#include "tests/bench/zipf.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_directory.h"

namespace varscope::bench {
namespace {

using internal::Connection;
using internal::Definition;
using internal::PushRequest;
using testing::ServerProcess;

// Without a cache every pull brings all bytes.
std::unique_ptr<Connection> Connect(const std::string& target, const std::string& worker,
                                    bool cache = false,
                                    TransportMode transport = TransportMode::kTarget,
                                    bool checksums = true) {
  return std::make_unique<Connection>(target, ConnectOptions{.worker_id = worker,
                                                             .sharing = SharingMode::kReplicated,
                                                             .cache_pulls = cache,
                                                             .checksums = checksums,
                                                             .transport = transport});
}

void Create(Connection& connection, const std::vector<std::string>& names, const Shape& shape) {
  std::vector<Definition> definitions;
  for (const std::string& name : names) {
    Definition definition{
        .key = name, .name = name, .dtype = DType::kFloat32, .shape = shape, .reuse = Reuse::kAuto};
    definition.initializer = InitializerSpec{.kind = "zeros"};
    definitions.push_back(std::move(definition));
  }
  connection.Resolve(definitions);
}

Tensor Filled(const Shape& shape, float value) {
  Tensor tensor(DType::kFloat32, shape);
  for (float& x : tensor.mutable_values<float>()) x = value;
  return tensor;
}

PushRequest Gradients(const std::string& optimizer, const std::vector<std::string>& names,
                      const Tensor& gradient) {
  PushRequest push;
  PushRequest::Step& step = push.steps.emplace_back();
  step.state = {.optimizer = optimizer,
                .hyperparameters = {{"learning_rate", 0.001}},
                .name = optimizer,
                .group = names.front()};
  for (const std::string& name : names) {
    step.updates.push_back({.variable = name, .gradient = gradient, .rows = {}});
  }
  return push;
}

Shape ShapeOf(uint64_t bytes) { return Shape{static_cast<int64_t>(bytes / sizeof(float))}; }

std::string UnixPath() { return "/tmp/varscope-bench-" + std::to_string(getpid()) + ".sock"; }

}  // namespace

std::vector<Result> MeasureTransfers(const std::vector<uint64_t>& sizes, const Effort& effort,
                                     const Filter& filter) {
  std::vector<Result> results;
  struct Way {
    const char* transport;
    TransportMode mode = TransportMode::kTarget;
    bool checksums = true;
    uint64_t smallest = 0;
    uint64_t largest = UINT64_MAX;
  };
  for (const Way& way :
       {Way{"tcp"},
        Way{.transport = "tcp", .checksums = false, .smallest = 1 << 20, .largest = 100 << 20},
        Way{.transport = "unix", .largest = 16 << 20}, Way{"shm", TransportMode::kAuto}}) {
    for (uint64_t size : sizes) {
      if (size < way.smallest || size > way.largest) continue;
      ServerProcess server({"--listen", "unix:" + UnixPath(), "--max-store-bytes", "20GiB"});
      const pid_t server_pid = server.process().pid();
      const bool unix_socket = std::string(way.transport) == "unix";
      const auto connection = Connect(unix_socket ? "unix:" + UnixPath() : server.target(), "bench",
                                      false, way.mode, way.checksums);
      Create(*connection, {"w"}, ShapeOf(size));
      const Tensor gradient = Filled(ShapeOf(size), 0.001F);
      const auto measure = [&](std::string what, uint64_t bytes, const auto& operation) {
        if (!way.checksums) what += ", no checksums";
        if (!filter.Wants(what, way.transport)) return;
        results.push_back(Measure({.what = what, .transport = way.transport, .bytes = bytes},
                                  effort, server_pid, operation));
      };
      measure("pull", size, [&] { connection->Pull({"w"}); });
      const PushRequest sgd = Gradients("GradientDescent", {"w"}, gradient);
      measure("push+SGD", size, [&] { connection->Push(sgd); });
      measure("pull+push", 2 * size, [&] { connection->PushAndPull(sgd, {"w"}); });
      const PushRequest adam = Gradients("Adam", {"w"}, gradient);
      measure("push+Adam", size, [&] { connection->Push(adam); });
    }
  }
  return results;
}

std::vector<Result> MeasureWorkers(const std::vector<int>& workers, uint64_t size,
                                   const Effort& effort) {
  std::vector<Result> results;
  for (int count : workers) {
    ServerProcess server;
    std::vector<Result> each(count);
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) {
      threads.emplace_back([&, i] {
        const auto connection = Connect(server.target(), "w" + std::to_string(i));
        const std::string name = "w" + std::to_string(i);
        Create(*connection, {name}, ShapeOf(size));
        const PushRequest sgd = Gradients("GradientDescent", {name}, Filled(ShapeOf(size), 0.001F));
        each[i] =
            Measure({.what = "step of each worker",
                     .transport = "tcp",
                     .bytes = 2 * size,
                     .workers = count},
                    effort, server.process().pid(), [&] { connection->PushAndPull(sgd, {name}); });
      });
    }
    for (std::thread& thread : threads) thread.join();
    Result total = each.front();
    total.rate = 0;
    for (const Result& one : each) {
      total.rate += one.rate;
      total.p99 = std::max(total.p99, one.p99);
    }
    // CPU is that of everybody during one worker's operations.
    total.client_cpu /= count;
    total.server_cpu /= count;
    results.push_back(total);
  }
  return results;
}

std::vector<Result> MeasureManyVariables(const std::vector<int>& counts, const Effort& effort) {
  std::vector<Result> results;
  for (int count : counts) {
    ServerProcess server;
    const auto connection = Connect(server.target(), "bench");
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) names.push_back("model/layer" + std::to_string(i) + "/kernel");
    constexpr uint64_t kBytes = 1024;
    Create(*connection, names, ShapeOf(kBytes));
    const PushRequest sgd = Gradients("GradientDescent", names, Filled(ShapeOf(kBytes), 0.001F));
    const std::string what = "step of " + std::to_string(count) + " variables";
    results.push_back(Measure({.what = what, .transport = "tcp", .bytes = 2 * kBytes * count},
                              effort, server.process().pid(),
                              [&] { connection->PushAndPull(sgd, names); }));
    if (count != 1000) continue;
    const auto caching = Connect(server.target(), "caching", true);
    results.push_back(Measure({.what = "unchanged pull of 1000", .transport = "tcp"}, effort,
                              server.process().pid(), [&] { caching->Pull(names); }));
  }
  return results;
}

std::vector<Result> MeasureModel(const Effort& effort) {
  constexpr std::array<uint64_t, 10> kSizes = {256,     256,     256,      1 << 10,  1 << 10,
                                               4 << 10, 4 << 10, 64 << 10, 64 << 10, 1 << 20};
  std::vector<Result> results;
  for (const char* const transport : {"tcp", "shm"}) {
    ServerProcess server;
    const bool shared = std::string(transport) == "shm";
    const auto connection = Connect(server.target(), "bench", false,
                                    shared ? TransportMode::kAuto : TransportMode::kTarget);
    std::vector<std::string> names;
    PushRequest push;
    uint64_t bytes = 0;
    for (int i = 0; i < 200; ++i) {
      const uint64_t size = kSizes[i % kSizes.size()];
      names.push_back("model/layer" + std::to_string(i));
      Create(*connection, {names.back()}, ShapeOf(size));
      PushRequest one = Gradients("Adam", {names.back()}, Filled(ShapeOf(size), 0.001F));
      if (push.empty()) {
        push = std::move(one);
      } else {
        push.steps[0].updates.push_back(std::move(one.steps[0].updates[0]));
      }
      bytes += 2 * size;
    }
    results.push_back(
        Measure({.what = "step of a model with Adam", .transport = transport, .bytes = bytes},
                effort, server.process().pid(), [&] { connection->PushAndPull(push, names); }));
  }
  return results;
}

std::vector<Result> MeasureCompression(const Effort& effort) {
  constexpr uint64_t kSize = 16 << 20;
  struct Way {
    const char* name;
    Encoding push;
    Encoding pull;
  };
  std::vector<Result> results;
  for (const Way& way : {Way{"none", Encoding::kNone, Encoding::kNone},
                         Way{"float16", Encoding::kFloat16, Encoding::kFloat16},
                         Way{"bfloat16", Encoding::kBfloat16, Encoding::kBfloat16},
                         Way{"int8, pulls bfloat16", Encoding::kInt8, Encoding::kBfloat16}}) {
    ServerProcess server;
    Connection connection(server.target(),
                          {.worker_id = "bench",
                           .cache_pulls = false,
                           .compression = {{.prefix = "", .push = way.push, .pull = way.pull}},
                           .transport = TransportMode::kTarget});
    Create(connection, {"w"}, ShapeOf(kSize));
    const PushRequest sgd = Gradients("GradientDescent", {"w"}, Filled(ShapeOf(kSize), 0.001F));
    results.push_back(Measure(
        {.what = std::string("step as ") + way.name, .transport = "tcp", .bytes = 2 * kSize},
        effort, server.process().pid(), [&] { connection.PushAndPull(sgd, {"w"}); }));
  }
  return results;
}

std::vector<Result> MeasureOverlap(const Effort& effort) {
  constexpr uint64_t kSize = 16 << 20;
  static constexpr std::chrono::milliseconds kBetween{5};
  const auto work = [] {
    const auto end = std::chrono::steady_clock::now() + kBetween;
    while (std::chrono::steady_clock::now() < end) {
    }
  };
  // As a program does for a device, or for its input.
  const auto wait = [] { std::this_thread::sleep_for(kBetween); };
  struct Way {
    std::string what;
    std::function<void()> between;
    bool prefetch;
  };
  std::vector<Result> results;
  for (const TransportMode mode : {TransportMode::kTarget, TransportMode::kAuto}) {
    for (const Way& way : {Way{"push, 5 ms of work, pull", work, false},
                           Way{"push, 5 ms of work, prefetched pull", work, true},
                           Way{"push, 5 ms of waiting, pull", wait, false},
                           Way{"push, 5 ms of waiting, prefetched pull", wait, true}}) {
      ServerProcess server;
      Connection connection(server.target(), {.worker_id = "bench",
                                              .cache_pulls = false,
                                              .prefetch = way.prefetch,
                                              .transport = mode});
      Create(connection, {"w"}, ShapeOf(kSize));
      const PushRequest sgd = Gradients("GradientDescent", {"w"}, Filled(ShapeOf(kSize), 0.001F));
      const bool shared = mode == TransportMode::kAuto;
      results.push_back(
          Measure({.what = way.what, .transport = shared ? "shm" : "tcp", .bytes = 2 * kSize},
                  effort, server.process().pid(), [&] {
                    connection.Push(sgd);
                    way.between();
                    connection.Pull({"w"});
                  }));
    }
  }
  return results;
}

std::vector<Result> MeasureSparse(const Effort& effort) {
  constexpr int64_t kWidth = ZipfBatches::kWidth;
  ServerProcess server;
  const ZipfBatches batches;
  std::vector<Result> results;
  for (const char* const transport : {"tcp", "shm"}) {
    const bool shared = std::string(transport) == "shm";
    const auto connection = Connect(server.target(), "bench", false,
                                    shared ? TransportMode::kAuto : TransportMode::kTarget);
    Create(*connection, {"table"}, Shape{ZipfBatches::kRows, kWidth});
    const Tensor gradient = Filled(Shape{ZipfBatches::kBatch, kWidth}, 0.001F);
    PushRequest push = Gradients("Adagrad", {"table"}, gradient);
    PushRequest::Update& update = push.steps[0].updates[0];
    const auto distinct = [](const std::vector<int64_t>& rows) {
      return Tensor::Of<int64_t>({static_cast<int64_t>(rows.size())}, rows);
    };
    size_t next = 0;
    // As a session pushes and pulls: each row once.
    results.push_back(
        Measure({.what = ZipfBatches::kWhat, .transport = transport, .bytes = ZipfBatches::kBytes},
                effort, server.process().pid(), [&] {
                  std::vector<int64_t> rows = batches.all()[next++ % batches.all().size()];
                  update.gradient = gradient;
                  if (!optimizers::SumRows(rows, update.gradient).ok()) std::abort();
                  update.rows = distinct(rows);
                  connection->Push(push);
                }));
    results.push_back(Measure(
        {.what = ZipfBatches::kPullWhat, .transport = transport, .bytes = ZipfBatches::kBytes},
        effort, server.process().pid(), [&] {
          const std::vector<int64_t>& batch = batches.all()[next++ % batches.all().size()];
          connection->PullRows({"table"}, {distinct(IndexRows(batch).distinct)});
        }));
  }
  return results;
}

// A push to one variable while the first value of another takes seconds to compute, and while many
// readers wait for that.
void MeasureBesideASlowFirstValue(
    uint64_t bytes,
    const std::function<void(ServerProcess&, Connection&, const std::string&)>& measure) {
  constexpr int kReaders = 70;
  ServerProcess server;
  const auto connection = Connect(server.target(), "bench");
  Create(*connection, {"w"}, ShapeOf(bytes));
  measure(server, *connection, "push, nothing else");
  Definition slow{.key = "slow",
                  .name = "slow",
                  .dtype = DType::kFloat32,
                  .shape = Shape{4096, 4096},
                  .reuse = Reuse::kAuto};
  slow.initializer = InitializerSpec{.kind = "orthogonal"};
  connection->Resolve({slow});
  measure(server, *connection, "push, a first value is computed");
  std::vector<std::thread> readers;
  std::atomic<int> waiting{kReaders};
  for (int i = 0; i < kReaders; ++i) {
    readers.emplace_back([&, i] {
      try {
        Connection reader(server.target(), {.worker_id = "reader" + std::to_string(i),
                                            .timeout = std::chrono::seconds(15)});
        reader.Pull({"slow"});
      } catch (const Error&) {
      }
      --waiting;
    });
  }
  measure(server, *connection, "push, 70 readers wait");
  const int left = waiting;
  server.Kill();
  for (std::thread& reader : readers) reader.join();
  if (left < kReaders) {
    std::cerr << "only " << left << " readers waited until the end of what was measured\n";
  }
}

std::vector<Result> MeasureDurability(uint64_t store_bytes, const Effort& effort) {
  std::vector<Result> results;
  constexpr uint64_t kBytes = 64 << 10;
  const testing::TemporaryDirectory folder;
  const auto measure = [&](ServerProcess& server, Connection& connection, const std::string& what) {
    const PushRequest sgd = Gradients("GradientDescent", {"w"}, Filled(ShapeOf(kBytes), 0.001F));
    results.push_back(Measure({.what = what, .transport = "tcp", .bytes = kBytes}, effort,
                              server.process().pid(), [&] { connection.Push(sgd); }));
  };
  {
    // What letting a push in and noting its answer costs: a thousand of them.
    server::CompletionRecords completion_records;
    const server::PushResult result;
    uint64_t sequence = 0;
    results.push_back(
        Measure({.what = "completion records, 1000 pushes", .transport = "memory"}, effort, 0, [&] {
          for (int i = 0; i < 1000; ++i) {
            auto in_flight_push = completion_records.Begin({"bench", 1, ++sequence});
            in_flight_push->Reserve();
            in_flight_push->Record(result);
          }
        }));
  }
  for (const std::string level : {"none", "async:100ms", "sync"}) {
    std::vector<std::string> flags = {"--durability", level};
    if (level != "none") flags.insert(flags.end(), {"--data-dir", folder / level});
    ServerProcess server(flags);
    const auto connection = Connect(server.target(), "bench");
    Create(*connection, {"w"}, ShapeOf(kBytes));
    measure(server, *connection, "push at " + level);
  }
  MeasureBesideASlowFirstValue(kBytes, measure);
  ServerProcess server({"--durability", "none", "--data-dir", folder / "large",
                        "--snapshot-seconds", "0", "--max-store-bytes", "8GiB"});
  const auto connection = Connect(server.target(), "bench");
  Create(*connection, {"w"}, ShapeOf(kBytes));
  std::vector<std::string> blocks;
  for (uint64_t i = 0; i < store_bytes >> 24; ++i) blocks.push_back("block" + std::to_string(i));
  Create(*connection, blocks, ShapeOf(1 << 24));
  measure(server, *connection, "push, large store");
  std::atomic<bool> stop{false};
  std::atomic<int> snapshots{0};
  std::thread taker([&] {
    while (!stop) {
      const testing::Finished taken = server.Ctl({"--timeout", "60", "snapshot"});
      if (taken.code == 0) ++snapshots;
    }
  });
  measure(server, *connection, "push during its snapshots");
  stop = true;
  taker.join();
  results.back().what = "push during " + std::to_string(snapshots) + " snapshots of it";
  return results;
}

}  // namespace varscope::bench
