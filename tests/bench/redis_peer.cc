// varscope_redis_peer JSON [--quick]: the same bytes through Redis, over TCP, with hiredis: MGET
// for a pull, MSET for a push. Redis applies nothing; it only keeps the bytes.
#include <hiredis/hiredis.h>

#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/measure.h"
#include "tests/bench/report.h"
#include "tests/bench/zipf.h"
#include "tests/support/process.h"

namespace varscope::bench {
namespace {

struct FreeContext {
  void operator()(redisContext* context) const { redisFree(context); }
};
struct FreeReply {
  void operator()(void* reply) const { freeReplyObject(reply); }
};
using Context = std::unique_ptr<redisContext, FreeContext>;
using Reply = std::unique_ptr<redisReply, FreeReply>;

// A command, its arguments as they are.
class Command {
 public:
  explicit Command(const std::string& name) { Add(name); }
  // Kept by the caller.
  void Add(const std::string& argument) {
    arguments_.push_back(argument.data());
    sizes_.push_back(argument.size());
  }
  void Send(redisContext& redis) const {
    redisAppendCommandArgv(&redis, static_cast<int>(sizes_.size()),
                           const_cast<const char**>(arguments_.data()), sizes_.data());
  }

 private:
  std::vector<const char*> arguments_;
  std::vector<size_t> sizes_;
};

Reply Receive(redisContext& redis) {
  void* reply = nullptr;
  if (redisGetReply(&redis, &reply) != REDIS_OK) throw std::runtime_error(redis.errstr);
  Reply owned(static_cast<redisReply*>(reply));
  if (owned->type == REDIS_REPLY_ERROR) throw std::runtime_error(owned->str);
  return owned;
}

// A server of its own, without persistence.
class Redis {
 public:
  Redis()
      : process_({"/usr/bin/redis-server", "--port", std::to_string(kPort), "--bind", "127.0.0.1",
                  "--save", "", "--appendonly", "no", "--loglevel", "warning"}) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!context_ || context_->err != 0) {
      if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("no redis-server");
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      context_.reset(redisConnect("127.0.0.1", kPort));
    }
    redisEnableKeepAlive(context_.get());
  }
  redisContext& context() { return *context_; }
  pid_t pid() { return process_.pid(); }

 private:
  static constexpr int kPort = 17079;
  testing::Process process_;
  Context context_;
};

std::vector<Result> MeasureRedis(const std::vector<uint64_t>& sizes, const Effort& effort) {
  Redis redis;
  redisContext& context = redis.context();
  std::vector<Result> results;
  const std::string mget = "MGET";
  const std::string mset = "MSET";
  const auto measure = [&](const char* what, uint64_t bytes, const auto& operation) {
    results.push_back(Measure({.what = what, .transport = "Redis", .bytes = bytes}, effort,
                              redis.pid(), operation));
  };
  const std::string key = "w";
  for (uint64_t size : sizes) {
    const std::string value(size, 'x');
    std::string received(size, '\0');
    Command set(mset);
    set.Add(key);
    set.Add(value);
    Command get(mget);
    get.Add(key);
    const auto pull = [&] {
      get.Send(context);
      const Reply reply = Receive(context);
      std::copy_n(reply->element[0]->str, size, received.data());
    };
    set.Send(context);
    Receive(context);
    measure("pull", size, pull);
    measure("push+SGD", size, [&] {
      set.Send(context);
      Receive(context);
    });
    measure("pull+push", 2 * size, [&] {
      set.Send(context);
      get.Send(context);
      Receive(context);
      const Reply reply = Receive(context);
      std::copy_n(reply->element[0]->str, size, received.data());
    });
  }
  const ZipfBatches batches;
  const std::string row(ZipfBatches::kWidth * sizeof(float), 'x');
  std::vector<std::vector<std::string>> keys;
  for (const std::vector<int64_t>& rows : batches.all()) {
    std::vector<std::string>& names = keys.emplace_back();
    for (int64_t r : rows) names.push_back("table:" + std::to_string(r));
  }
  size_t next = 0;
  measure(ZipfBatches::kWhat, ZipfBatches::kBytes, [&] {
    Command set(mset);
    for (const std::string& name : keys[next++ % keys.size()]) {
      set.Add(name);
      set.Add(row);
    }
    set.Send(context);
    Receive(context);
  });
  std::string received(row.size(), '\0');
  measure(ZipfBatches::kPullWhat, ZipfBatches::kBytes, [&] {
    const std::vector<std::string>& names = keys[next++ % keys.size()];
    Command get(mget);
    for (const std::string& name : names) get.Add(name);
    get.Send(context);
    const Reply reply = Receive(context);
    for (size_t i = 0; i < names.size(); ++i) {
      std::copy_n(reply->element[i]->str, row.size(), received.data());
    }
  });
  return results;
}

int Main(int argc, char** argv) {
  const bool quick = argc == 3 && std::string(argv[2]) == "--quick";
  if (argc != 2 && !quick) {
    std::cerr << "usage: varscope_redis_peer JSON [--quick]\n";
    return 2;
  }
  // A value of Redis has at most 512 MiB.
  std::vector<uint64_t> sizes = {4, 4 << 10, 64 << 10, 1 << 20, 16 << 20};
  if (!quick) sizes.push_back(100 << 20);
  const Effort effort = quick ? Effort{0.1, 0.2, 5} : Effort{0.5, 0.75, 7};
  WriteJson(BestOf(quick ? 1 : 2, [&] { return MeasureRedis(sizes, effort); }), argv[1]);
  return 0;
}

}  // namespace
}  // namespace varscope::bench

int main(int argc, char** argv) {
  try {
    return varscope::bench::Main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "varscope_redis_peer: " << error.what() << "\n";
    return 1;
  }
}
