// The client of the bare gRPC servers.
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "client/rpc/raw_call.h"
#include "proto/wire/channel_arguments.h"
#include "tests/bench/ceilings.h"
#include "tests/support/process.h"

namespace varscope::bench {
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

std::vector<Result> MeasureGrpcFloor(const std::vector<uint64_t>& sizes, const Effort& effort,
                                     bool own_queue) {
  const std::string path = "/tmp/varscope-bench-" + std::to_string(getpid());
  int ready[2];
  if (pipe(ready) != 0) throw std::runtime_error("no pipe");
  const char* const what = own_queue ? "gRPC floor, own queue" : "gRPC floor";
  const testing::Process server(
      {"/proc/self/exe", "--serve-floor", path, own_queue ? "1" : "0", std::to_string(ready[1])},
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
      results.push_back(Measure({.what = what, .transport = tcp ? "tcp" : "unix", .bytes = size},
                                effort, server.pid(), [&] { Pull(call, size, into); }));
    }
  }
  unlink(path.c_str());
  close(ready[0]);
  close(ready[1]);
  return results;
}

}  // namespace varscope::bench
