// A client that draws its requests to take memory, beside workers that train.
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "proto/wire/session.h"
#include "tests/support/definition.h"
#include "tests/support/raw_worker.h"
#include "tests/support/sanitizer.h"
#include "tests/support/server_process.h"
#include "varscope/v1/admin.pb.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

using Clock = std::chrono::steady_clock;

// What it is measured with; the tests take seconds.
std::chrono::seconds Duration() {
  const char* const seconds = std::getenv("HOSTILE_SECONDS");
  return std::chrono::seconds(seconds == nullptr ? 5 : std::max(1, std::atoi(seconds)));
}

// Draws requests that cost the server as much as it lets them. Each thread has its own.
class Hostile {
 public:
  Hostile(const std::string& target, unsigned seed)
      : target_(target), random_(seed), worker_(std::make_unique<RawWorker>(target, NewId())) {}

  void Draw() {
    const std::vector<std::function<void()>> kinds = {
        [this] { ManyTinyParts(); }, [this] { LongTexts(); },      [this] { ManyVariables(); },
        [this] { ManyParts(); },     [this] { EncodedPulls(); },   [this] { HalfAPush(); },
        [this] { WholePushes(); },   [this] { Reconnect(); },      [this] { ManyBarriers(); },
        [this] { UnknownBytes(); },  [this] { ManyLargeCalls(); }, [this] { LargeAnswers(); },
        [this] { IdleStreams(); },
    };
    kinds[random_() % kinds.size()]();
  }

 private:
  using Stream = grpc::ClientReaderWriter<v1::TensorFrame, v1::TensorFrame>;

  std::string NewId() { return "hostile-" + std::to_string(random_()) + std::to_string(random_()); }
  std::string NewName() { return "hostile/v" + std::to_string(random_() % 1000000); }

  // The answer of one request, if any comes.
  void Send(const std::vector<v1::TensorFrame>& frames) {
    grpc::ClientContext context;
    worker_->Prepare(context);
    const std::unique_ptr<Stream> stream = worker_->stub().Exchange(&context);
    for (const v1::TensorFrame& frame : frames) {
      if (!stream->Write(frame)) break;
    }
    stream->WritesDone();
    v1::TensorFrame answer;
    while (stream->Read(&answer)) {
    }
    stream->Finish();
  }

  // Two bytes each here, a hundred there.
  void ManyTinyParts() {
    v1::TensorFrame frame;
    v1::FrameHeader& head = *frame.mutable_header();
    const int count = 1 << (10 + random_() % 11);
    switch (random_() % 4) {
      case 0:
        for (int i = 0; i < count; ++i) head.add_variables();
        break;
      case 1:
        for (int i = 0; i < count; ++i) head.mutable_push()->add_steps();
        break;
      case 2:
        for (int i = 0; i < count; ++i) head.mutable_push()->add_assignments();
        break;
      default:
        for (int i = 0; i < count; ++i) head.mutable_pull()->add_variables(0);
    }
    Send({frame});
  }

  void LongTexts() {
    v1::ResolveRequest request;
    v1::VariableDefinition& definition = Define(request, NewName(), 1);
    const std::string text(size_t{1} << (10 + random_() % 15), 'x');
    if (random_() % 2 == 0) definition.mutable_initializer()->set_mode(text);
    if (random_() % 2 == 0) definition.mutable_creator()->set_file(text);
    if (random_() % 4 == 0) definition.set_key("hostile/" + text);
    Resolve(request);
  }

  void ManyVariables() {
    v1::ResolveRequest request;
    const int count = 1 << (random_() % 14);
    for (int i = 0; i < count; ++i) {
      Define(request, NewName() + "/" + std::string(random_() % 900, 'n'), 0);
    }
    Resolve(request);
  }

  void ManyParts() {
    v1::ResolveRequest request;
    v1::VariableDefinition& definition = Define(request, NewName(), 100000);
    definition.mutable_partitioning()->add_partitions(1 << (random_() % 17));
    Resolve(request);
  }

  // Some bytes for each definition, megabytes of answer.
  void LargeAnswers() {
    v1::ResolveRequest request;
    const int count = 1 << (random_() % 11);
    for (int i = 0; i < count; ++i) {
      v1::VariableDefinition& definition = Define(request, "hostile/parts", 0);
      definition.mutable_partitioning()->mutable_full_shape()->add_dims(4096);
      definition.mutable_partitioning()->add_partitions(4096);
    }
    Resolve(request);
  }

  // Names on streams that then say nothing.
  void IdleStreams() {
    v1::ResolveRequest request;
    Define(request, "hostile/w0", 1 << 20);
    Resolve(request);
    v1::TensorFrame frame;
    for (int i = 0; i < 1000; ++i) {
      v1::NamedVariable& variable = *frame.mutable_header()->add_variables();
      variable.set_name("hostile/w0");
      variable.add_slots(std::string(1000, 's'));
    }
    frame.mutable_header()->mutable_pull();
    std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
    std::vector<std::unique_ptr<Stream>> streams;
    for (uint64_t i = random_() % 100; i > 0; --i) {
      worker_->Prepare(*contexts.emplace_back(std::make_unique<grpc::ClientContext>()));
      streams.push_back(worker_->stub().Exchange(contexts.back().get()));
      streams.back()->Write(frame);
    }
    for (size_t i = 0; i < streams.size(); ++i) {
      contexts[i]->TryCancel();
      streams[i]->Finish();
    }
  }

  void EncodedPulls() {
    v1::ResolveRequest request;
    Define(request, "hostile/large", 4 << 20);
    Resolve(request);
    v1::TensorFrame frame;
    frame.mutable_header()->add_variables()->set_name("hostile/large");
    for (int i = 0; i < 150; ++i) {
      frame.mutable_header()->mutable_pull()->add_variables(0);
      frame.mutable_header()->mutable_pull()->add_encodings(v1::ENCODING_FLOAT16);
    }
    Send({frame});
  }

  v1::TensorFrame PushOf(const std::string& name, uint64_t bytes) {
    v1::TensorFrame frame;
    v1::FrameHeader& head = *frame.mutable_header();
    head.add_variables()->set_name(name);
    head.mutable_push()->set_sequence(++sequence_);
    v1::OptimizerStep& step = *head.mutable_push()->add_steps();
    step.mutable_state()->set_optimizer("Adam");
    step.mutable_state()->set_name("Adam");
    step.add_variables(0);
    head.set_body_bytes(bytes);
    return frame;
  }

  // Announces much, sends little, and stays for a while.
  void HalfAPush() {
    v1::ResolveRequest request;
    Define(request, "hostile/large", 4 << 20);
    Resolve(request);
    grpc::ClientContext context;
    worker_->Prepare(context);
    const std::unique_ptr<Stream> stream = worker_->stub().Exchange(&context);
    v1::TensorFrame frame = PushOf("hostile/large", 16 << 20);
    frame.set_body(std::string(4, '\0'));
    stream->Write(frame);
    std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 500));
    context.TryCancel();
    stream->Finish();
  }

  void WholePushes() {
    const std::string name = "hostile/w" + std::to_string(random_() % 8);
    v1::ResolveRequest request;
    Define(request, name, 1 << 20);
    Resolve(request);
    std::vector<v1::TensorFrame> frames = {PushOf(name, 4 << 20)};
    for (int i = 0; i < 8; ++i) frames.emplace_back().set_body(std::string(512 << 10, '\0'));
    Send(frames);
  }

  void Reconnect() {
    worker_ = std::make_unique<RawWorker>(target_, NewId());
    sequence_ = 0;
  }

  void ManyBarriers() {
    for (int i = 0; i < 20; ++i) {
      v1::BarrierRequest request;
      request.set_name(std::to_string(random_()) + std::string(random_() % 200, 'b'));
      request.set_parties(1 + random_() % 3);
      request.set_timeout_ms(1);
      v1::BarrierResponse response;
      worker_->Call(&v1::ParameterServer::Stub::Barrier, request, &response);
    }
  }

  void UnknownBytes() {
    std::string bytes(size_t{1} << (random_() % 24), '\0');
    for (char& c : bytes) c = static_cast<char>(random_());
    v1::TensorFrame frame;
    frame.set_body(bytes);
    Send({frame});
  }

  // Side by side, each as large as a message may be; nobody asks what they are before they have
  // come.
  void ManyLargeCalls() {
    const std::vector<std::string> methods = {"ParameterServer/Resolve", "ParameterServer/Connect",
                                              "Admin/Quarantine",        "Admin/Rollback",
                                              "Admin/ListVariables",     "Admin/DescribeVariable"};
    const std::string method = "/varscope.v1." + methods[random_() % methods.size()];
    // A text with a number that no message knows.
    const std::string text(size_t{1} << (20 + random_() % 5), 'x');
    v1::ListVariablesRequest request;
    request.GetReflection()->MutableUnknownFields(&request)->AddLengthDelimited(1000, text);
    const grpc::Slice slice(request.SerializeAsString());
    const grpc::ByteBuffer bytes(&slice, 1);
    const std::shared_ptr<grpc::Channel> channel =
        grpc::CreateChannel(target_, grpc::InsecureChannelCredentials());
    grpc::GenericStub stub(channel);
    grpc::CompletionQueue queue;
    struct Call {
      grpc::ClientContext context;
      std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
      grpc::ByteBuffer answer;
      grpc::Status status;
    };
    std::vector<std::unique_ptr<Call>> calls(1 + random_() % 60);
    for (std::unique_ptr<Call>& call : calls) {
      call = std::make_unique<Call>();
      worker_->Prepare(call->context);
      if (random_() % 3 == 0) call->context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
      call->context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
      call->reader = stub.PrepareUnaryCall(&call->context, method, bytes, &queue);
      call->reader->StartCall();
      call->reader->Finish(&call->answer, &call->status, call.get());
    }
    void* tag = nullptr;
    bool ok = false;
    for (size_t i = 0; i < calls.size(); ++i) queue.Next(&tag, &ok);
  }

  static v1::VariableDefinition& Define(v1::ResolveRequest& request, const std::string& name,
                                        int64_t elements) {
    return *request.add_definitions() = ZerosOf(name, {elements});
  }

  void Resolve(const v1::ResolveRequest& request) {
    v1::ResolveResponse response;
    worker_->Call(&v1::ParameterServer::Stub::Resolve, request, &response);
  }

  const std::string target_;
  std::mt19937_64 random_;
  std::unique_ptr<RawWorker> worker_;
  uint64_t sequence_ = 0;
};

// A worker that trains; how long its steps took.
class Healthy {
 public:
  Healthy(const std::string& target, int number) {
    thread_ = std::thread([this, target, number] {
      Graph graph(target,
                  {.worker_id = "healthy-" + std::to_string(number),
                   .sharing = SharingMode::kReplicated,
                   .transport = number % 2 == 0 ? TransportMode::kAuto : TransportMode::kTarget});
      const auto use = graph.as_default();
      const Variable w =
          get_variable("w", {.shape = Shape{1000}, .initializer = zeros_initializer()});
      const Output mine = get_variable("step" + std::to_string(number),
                                       {.shape = Shape{}, .initializer = zeros_initializer()})
                              .assign_add(constant(1.0F));
      const Operation train =
          train::GradientDescentOptimizer(0.001).minimize(reduce_sum(w.value() * w.value()));
      Session session;
      const float before = session.run(mine).data<float>()[0];
      while (!stop_) {
        const Clock::time_point begin = Clock::now();
        try {
          session.run(train);
          counted_ = session.run(mine).data<float>()[0] - before;
        } catch (const std::exception& error) {
          ADD_FAILURE() << "healthy " << number << ": " << error.what();
          return;
        }
        ++steps_;
        seconds_.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
      }
    });
  }
  // The times of all steps; each was applied once.
  std::vector<double> Stop() {
    stop_ = true;
    thread_.join();
    EXPECT_GT(steps_, 0);
    EXPECT_EQ(counted_, static_cast<float>(steps_));
    return seconds_;
  }

 private:
  std::atomic<bool> stop_ = false;
  int steps_ = 0;
  float counted_ = 0;
  std::vector<double> seconds_;
  std::thread thread_;
};

double P99(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() * 99 / 100];
}

double TrainBeside(const std::string& target, int hostile, std::chrono::seconds duration) {
  std::vector<std::unique_ptr<Healthy>> workers;
  for (int i = 0; i < 4; ++i) workers.push_back(std::make_unique<Healthy>(target, i));
  const Clock::time_point end = Clock::now() + duration;
  std::vector<std::thread> threads;
  for (int i = 0; i < hostile; ++i) {
    threads.emplace_back([&, i] {
      for (unsigned seed = i; Clock::now() < end; seed += hostile) {
        // Whatever the server does to it.
        try {
          Hostile client(target, seed);
          while (Clock::now() < end) client.Draw();
        } catch (const std::exception&) {
        }
      }
    });
  }
  if (threads.empty()) std::this_thread::sleep_for(duration);
  for (std::thread& thread : threads) thread.join();
  std::vector<double> all;
  for (const auto& worker : workers) {
    const std::vector<double> seconds = worker->Stop();
    all.insert(all.end(), seconds.begin(), seconds.end());
  }
  return P99(all);
}

TEST(HostileTest, ItsRequestsTakeNoMoreMemoryThanTheLimitAndStopNobody) {
  ServerProcess server({"--memory-limit", "512MiB", "--stall-seconds", "5"});
  const double idle =
      TrainBeside(server.target(), 0, std::min(Duration(), std::chrono::seconds(10)));
  const double beside = TrainBeside(server.target(), 4, Duration());
  const double peak = PeakMemoryOf(server.process().pid());
  std::cout << "peak " << peak / (1 << 20) << " MiB, p99 of a healthy worker's step " << 1e3 * idle
            << " ms alone, " << 1e3 * beside << " ms beside it\n";
  if (!IsSanitized()) {
    EXPECT_LE(peak, 640.0 * (1 << 20));
  }
  EXPECT_EQ(server.Stop(), 0);
}

}  // namespace
}  // namespace varscope::testing
