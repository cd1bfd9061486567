// A bare gRPC server that streams slices of one block, and its client.
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "client/rpc/raw_call.h"
#include "proto/wire/channel_arguments.h"
#include "proto/wire/frame.h"
#include "tests/bench/ceilings.h"
#include "tests/support/process.h"

namespace varscope::bench {
namespace {

constexpr uint64_t kSliceBytes = wire::kFrameBodyBytes;

// Answers messages of 8 bytes, a size, with as many bytes in slices of the block each.
class Streamer final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Streamer(const std::vector<char>& block) : block_(block) { StartRead(&request_); }
  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    grpc::Slice whole;
    if (!request_.DumpToSingleSlice(&whole).ok() || whole.size() != sizeof(left_)) {
      return Finish({grpc::StatusCode::INVALID_ARGUMENT, "8 bytes expected"});
    }
    std::memcpy(&left_, whole.begin(), sizeof(left_));
    WriteNext();
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    left_ > 0 ? WriteNext() : StartRead(&request_);
  }
  void OnDone() override { delete this; }

 private:
  void WriteNext() {
    const uint64_t n = std::min(left_, kSliceBytes);
    left_ -= n;
    const grpc::Slice slice(block_.data(), n, grpc::Slice::STATIC_SLICE);
    response_ = grpc::ByteBuffer(&slice, 1);
    StartWrite(&response_);
  }
  const std::vector<char>& block_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
  uint64_t left_ = 0;
};

class Service final : public grpc::CallbackGenericService {
 public:
  explicit Service(const std::vector<char>& block) : block_(block) {}
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new Streamer(block_);
  }

 private:
  const std::vector<char>& block_;
};

}  // namespace

void ServeGrpcFloor(const std::string& unix_path, int ready) {
  const std::vector<char> block(kSliceBytes, 'x');
  Service service(block);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.AddListeningPort("unix:" + unix_path, grpc::InsecureServerCredentials());
  builder.RegisterCallbackGenericService(&service);
  const auto server = builder.BuildAndStart();
  if (write(ready, &port, sizeof(port)) != sizeof(port)) throw std::runtime_error("no pipe");
  server->Wait();
}

namespace {

void Pull(internal::RawCall& call, uint64_t size, std::vector<char>& into) {
  const grpc::Slice request(&size, sizeof(size));
  bool going = call.Write(grpc::ByteBuffer(&request, 1));
  for (uint64_t at = 0; going && at < size;) {
    grpc::ByteBuffer message;
    going = call.Read(&message);
    std::vector<grpc::Slice> slices;
    message.Dump(&slices);
    for (const grpc::Slice& slice : slices) {
      std::memcpy(into.data() + at, slice.begin(), slice.size());
      at += slice.size();
    }
  }
  if (!going) {
    throw std::runtime_error("the bare gRPC stream failed: " +
                             call.Finish().status.error_message());
  }
}

}  // namespace

std::vector<Result> MeasureGrpcFloor(const std::vector<uint64_t>& sizes, const Effort& effort) {
  const std::string path = "/tmp/varscope-bench-" + std::to_string(getpid());
  int ready[2];
  if (pipe(ready) != 0) throw std::runtime_error("no pipe");
  const testing::Process server({"/proc/self/exe", "--serve-floor", path, std::to_string(ready[1])},
                                {.inherit = {ready[1]}});
  int port = 0;
  if (read(ready[0], &port, sizeof(port)) != sizeof(port)) throw std::runtime_error("no server");
  std::vector<char> into(*std::max_element(sizes.begin(), sizes.end()), 'y');
  std::vector<Result> results;
  for (const bool tcp : {true, false}) {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    for (const auto& [name, value] : wire::kChannelArguments) arguments.SetInt(name, value);
    const auto channel =
        grpc::CreateCustomChannel(tcp ? "127.0.0.1:" + std::to_string(port) : "unix:" + path,
                                  grpc::InsecureChannelCredentials(), arguments);

    internal::RawCall call(channel, "/bench/Pull");
    for (uint64_t size : sizes) {
      results.push_back(
          Measure({.what = "gRPC floor", .transport = tcp ? "tcp" : "unix", .bytes = size}, effort,
                  server.pid(), [&] { Pull(call, size, into); }));
    }
  }
  unlink(path.c_str());
  close(ready[0]);
  close(ready[1]);
  return results;
}

}  // namespace varscope::bench
