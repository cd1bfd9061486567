#include "server/server.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <new>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "proto/memory/memory_account.h"
#include "server/data_directory.h"

namespace varscope::server {
namespace {

// Drawn at random, so that no other server's address is taken for this one's.
LocalAddress DrawLocalAddress(const Options& options, Env& env) {
  if (options.shared_memory_streams == 0) return {};
  const std::string name = fmt::format("varscope-{:016x}{:016x}", env.Random64(), env.Random64());
  return {.shared_memory = name, .target = absl::StrCat("unix-abstract:", name, "-grpc")};
}

// Without it, workers of this host use gRPC.
std::unique_ptr<ShmListener> ListenForSharedMemory(const ServiceContext& context,
                                                   const Options& options) {
  if (context.local.shared_memory.empty()) return nullptr;
  absl::StatusOr<std::unique_ptr<ShmListener>> listener =
      ShmListener::Start(context, context.local.shared_memory, options.shared_memory_streams);
  if (listener.ok()) return *std::move(listener);
  spdlog::warn(absl::StrCat("no shared memory: ", listener.status().message()));
  return nullptr;
}

StoreLimits LimitsOf(const Options& options) {
  StoreLimits limits{options.max_variable_bytes, options.max_store_bytes};
  if (options.memory_limit > 0) limits.max_names_bytes = options.memory_limit / 4;
  return limits;
}

// Made before: where it is said there is no memory for it.
const absl::Status* NoMemory(absl::string_view what_for) {
  return new absl::Status(absl::ResourceExhaustedError(
      absl::StrCat("the system has no memory ", what_for,
                   ". Give the process more of it (ulimit -v, or the container's limit): "
                   "--memory-limit does not bound what was there before")));
}
const absl::Status* const kNoMemoryToRecover =
    NoMemory("to recover the state; nothing was changed");
const absl::Status* const kNoMemoryToServe = NoMemory("to serve");

// Calls `what`; without memory for it, logs `without`, and returns false.
bool Try(const char* without, absl::FunctionRef<bool()> what) try {
  return what();
} catch (const std::bad_alloc&) {
  spdlog::error(without);
  return false;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Open(const Options& options, Env& env,
                                                     const std::function<bool()>& stop) try {
  auto self = std::unique_ptr<Server>(new Server(options, env));
  if (absl::Status status = self->Recover(stop); !status.ok()) return status;
  self->LimitMemory();
  self->Begin();
  return self;
} catch (const std::bad_alloc&) {
  return *kNoMemoryToRecover;
}

Server::Server(const Options& options, Env& env)
    : env_(env),
      options_(options),
      store_(LimitsOf(options), env),
      workers_(std::chrono::milliseconds(static_cast<int64_t>(options.lease_seconds * 1000)), env),
      barriers_([this](const std::string& worker) { return workers_.DescribeWait(worker); },
                [this](const std::string& worker, uint64_t incarnation) {
                  return workers_.IsLive(worker, incarnation);
                },
                env),
      memory_quota_(options.max_inflight_bytes),
      pinned_memory_(options.max_inflight_bytes),
      stall_detector_(std::chrono::seconds(options.stall_seconds), env) {}

Server::~Server() { Stop(); }

// Some is for what the account does not count: gRPC's buffers, stacks, what malloc adds
// (MemoryGuard and ServiceLimits limit it). What was recovered stays, whatever the limit is: then
// the rest has to do with little.
void Server::LimitMemory() {
  if (options_.memory_limit == 0) return;
  MemoryAccount& memory = MemoryAccount::Process();
  const uint64_t eighth = options_.memory_limit / 8;
  const uint64_t limit = options_.memory_limit - eighth - std::min(eighth, uint64_t{128} << 20);
  const uint64_t least = memory.used() + memory.used() / 8;
  if (least > limit) {
    spdlog::warn(absl::StrCat("what was recovered takes ", memory.used() >> 20,
                              " MiB, too much for --memory-limit: it is raised to ", least >> 20,
                              " MiB"));
  }
  memory.SetLimit(std::max(limit, least));
}

absl::Status Server::Recover(const std::function<bool()>& stop) {
  absl::StatusOr<DataDirectory> opened = OpenDataDirectory(options_, store_, workers_, env_, stop);
  if (!opened.ok()) return opened.status();
  durability_ = std::move(opened->durability);
  session_keys_ = std::move(opened->session_keys);
  return absl::OkStatus();
}

void Server::Begin() {
  synchronizer_ = std::make_unique<Synchronizer>(store_, workers_, options_.groups, env_);
  workers_.BeginLife(env_.WallMicros());
  store_.catalog.ComputeFirstValues();
  workers_.Start(
      [this](const WorkerRecord& worker) {
        store_.completion_records.Fence(worker.worker_id, worker.incarnation);
      },
      [this](const WorkerRecord& worker) {
        barriers_.WorkerLost(worker.worker_id, worker.incarnation);
        synchronizer_->WorkerLost(worker);
      },
      [this](const std::string& worker_id) {
        if (!store_.completion_records.Collect(worker_id)) return false;
        synchronizer_->WorkerForgotten(worker_id);
        return true;
      });
  context_ = std::make_unique<const ServiceContext>(
      ServiceContext{.store = store_,
                     .workers = workers_,
                     .session_keys = session_keys_,
                     .barriers = barriers_,
                     .synchronizer = *synchronizer_,
                     .durability = *durability_,
                     .in_flight_calls = in_flight_calls_,
                     .definition_lanes = definition_lanes_,
                     .stream_places = stream_places_,
                     .memory_quota = memory_quota_,
                     .pinned_memory = pinned_memory_,
                     .stall_detector = stall_detector_,
                     .limits = ServiceLimits{.max_push_bytes = options_.max_push_bytes,
                                             .buffered_bytes = options_.memory_limit / 16},
                     .local = DrawLocalAddress(options_, env_),
                     .first_epoch = env_.Random64()});
}

absl::Status Server::Serve() try {
  shared_memory_ = ListenForSharedMemory(*context_, options_);
  absl::StatusOr<std::unique_ptr<GrpcServer>> grpc = GrpcServer::Start(*context_, options_.listen);
  if (!grpc.ok()) return grpc.status();
  grpc_ = *std::move(grpc);
  if (options_.memory_limit > 0) {
    memory_guard_ =
        std::make_unique<MemoryGuard>(options_.memory_limit, MemoryAccount::Process(),
                                      BusyConnections(grpc_->ports(), grpc_->unix_names()), env_);
  }
  return absl::OkStatus();
} catch (const std::bad_alloc&) {
  return *kNoMemoryToServe;
}

bool Server::Stop() {
  if (std::exchange(stopped_, true)) return true;
  const bool served = grpc_ != nullptr;
  EndCalls();
  if (!served) return true;
  // It has what the calls took.
  MemoryAccount::Process().FreeKept();
  const bool saved =
      options_.data_dir.empty() ||
      Try("no snapshot at the end: the system has no memory for it (ulimit -v, or the container's "
          "limit)",
          [this] { return TakeLastSnapshot(); });
  spdlog::info("stopped after {} applied pushes, {} variables", store_.changes.global_step(),
               store_.catalog.size());
  return saved;
}

void Server::EndCalls() {
  // Each, also when there is no memory for another.
  const auto end = [](absl::FunctionRef<void()> what) {
    Try("the system has no memory to tell all callers that the server stops (ulimit -v)", [&] {
      what();
      return true;
    });
  };
  end([this] {
    if (grpc_ != nullptr) grpc_->StopServing();
  });
  // No eviction after this: it would notify the two that follow.
  end([this] { workers_.Stop(); });
  end([this] { barriers_.Stop(); });
  end([this] {
    if (synchronizer_ != nullptr) synchronizer_->Stop();
  });
  end([this] {
    const uint64_t left = in_flight_calls_.Stop(std::chrono::seconds(options_.grace_seconds));
    if (left > 0) spdlog::warn("{} calls did not end in time and are cut off", left);
  });
  end([this] { definition_lanes_.Stop(); });
  shared_memory_.reset();
  memory_guard_.reset();
  grpc_.reset();
}

bool Server::TakeLastSnapshot() {
  const absl::StatusOr<TakenSnapshot> taken = durability_->TakeSnapshot("");
  if (taken.ok()) {
    spdlog::info(absl::StrCat("wrote ", taken->path.string()));
    return true;
  }
  spdlog::error(absl::StrCat("no snapshot at the end: ", taken.status().message()));
  if (durability_->level() == DurabilityLevel::kNone) return false;
  if (durability_->level() == DurabilityLevel::kAsync) {
    constexpr std::chrono::seconds kLimit{10};
    const auto written = std::make_shared<std::promise<bool>>();
    std::future<bool> answer = written->get_future();
    durability_->WhenOnStableStorage(
        [written](const absl::Status& status) { written->set_value(status.ok()); });
    if (answer.wait_for(kLimit) != std::future_status::ready || !answer.get()) return false;
  }
  // The log has what was told, where it is still there.
  return durability_->Health().ok();
}

}  // namespace varscope::server
