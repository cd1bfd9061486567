// Hostile and broken input, straight on the wire: a precise error each, the daemon up, the store
// unchanged.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <functional>

#include "client/rpc/raw_call.h"
#include "client/rpc/retry.h"
#include "proto/wire/convert.h"
#include "proto/wire/frame.h"
#include "tests/support/bytes_of.h"
#include "tests/support/daemon.h"
#include "varscope/v1/varscope.grpc.pb.h"

namespace varscope::testing {
namespace {

using ::testing::HasSubstr;

constexpr const char* kExchange = "/varscope.v1.ParameterServer/Exchange";

std::chrono::system_clock::time_point Soon() {
  return std::chrono::system_clock::now() + std::chrono::seconds(60);
}

class BadInputTest : public ::testing::Test {
 protected:
  BadInputTest() {
    v1::ConnectRequest request;
    request.set_worker_id("mallory");
    v1::ConnectResponse response;
    EXPECT_TRUE(Call(&v1::ParameterServer::Stub::Connect, request, &response).ok());
    incarnation_ = response.incarnation();
    v1::VariableDefinition w = Definition("w", {2, 3});
    v1::Resolution created;
    EXPECT_TRUE(Resolve(w, &created).ok());
    EXPECT_EQ(created.outcome(), v1::Resolution::CREATED);
    before_ = Store();
  }

  ~BadInputTest() override {
    EXPECT_EQ(Store(), before_) << "the store must be unchanged";
    EXPECT_EQ(daemon_.Stop(), 0);
  }

  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (v1::ParameterServer::Stub::*method)(grpc::ClientContext*,
                                                                      const Request&, Response*),
                    const Request& request, Response* response) {
    grpc::ClientContext context;
    context.set_deadline(Soon());
    return ((*stub_).*method)(&context, request, response);
  }

  // Everything but traffic, as text.
  std::string Store() {
    v1::ListResponse list;
    EXPECT_TRUE(Call(&v1::ParameterServer::Stub::List, v1::ListRequest(), &list).ok());
    for (v1::VariableInfo& info : *list.mutable_variables()) {
      info.clear_pulls();
      info.clear_bytes_pulled();
    }
    return list.DebugString();
  }

  static v1::VariableDefinition Definition(const std::string& key,
                                           const std::vector<int64_t>& dims) {
    v1::VariableDefinition d;
    d.set_key(key);
    d.set_name(key);
    d.set_dtype(v1::DT_FLOAT32);
    d.mutable_shape()->mutable_dims()->Assign(dims.begin(), dims.end());
    d.mutable_initializer()->set_kind("zeros");
    d.set_reuse(v1::REUSE_AUTO);
    return d;
  }

  grpc::Status Resolve(const v1::VariableDefinition& definition,
                       v1::Resolution* resolution = nullptr) {
    v1::ResolveRequest request;
    request.set_worker_id("mallory");
    request.set_incarnation(incarnation_);
    *request.add_definitions() = definition;
    v1::ResolveResponse response;
    const grpc::Status status = Call(&v1::ParameterServer::Stub::Resolve, request, &response);
    if (resolution != nullptr && status.ok()) *resolution = response.resolutions(0);
    return status;
  }

  // A push of one SGD gradient of w, before it is bent.
  v1::FrameHeader GoodHead() const {
    v1::FrameHeader head;
    v1::TensorSpec* const spec = head.add_tensors();
    spec->set_name("w");
    spec->set_dtype(v1::DT_FLOAT32);
    spec->mutable_shape()->add_dims(2);
    spec->mutable_shape()->add_dims(3);
    v1::PushHead* const push = head.mutable_push();
    push->set_worker_id("mallory");
    push->set_incarnation(incarnation_);
    push->set_sequence(1);
    v1::OptimizerStep* const step = push->add_steps();
    step->mutable_state()->set_optimizer("GradientDescent");
    (*step->mutable_state()->mutable_hyperparameters())["learning_rate"] = 0.1;
    step->add_updates()->set_variable("w");
    return head;
  }

  static v1::Chunk* AddChunk(v1::FrameHeader& head, uint64_t offset, uint64_t length) {
    v1::Chunk* const chunk = head.add_chunks();
    chunk->set_offset(offset);
    chunk->set_length(length);
    return chunk;
  }

  // Sends frames as they are; the body of each is `body` bytes of zeros.
  grpc::Status ExchangeFrames(const std::vector<std::pair<v1::FrameHeader, size_t>>& frames) {
    internal::RawCall call(channel_, kExchange);
    call.SetDeadline(Soon());
    for (const auto& [header, body] : frames) {
      std::vector<grpc::Slice> slices;
      if (body > 0) slices.emplace_back(std::string(body, '\0'));
      if (!call.Write(wire::Encode(header, slices))) break;
    }
    call.WritesDone();
    return ResultOf(call);
  }

  // Of a request: the error of its answer, or the stream's.
  static grpc::Status ResultOf(internal::RawCall& call) {
    grpc::ByteBuffer answer;
    if (!call.Read(&answer)) return call.Finish().status;
    const v1::FrameHeader head = *wire::Decode(answer).value().header;
    return head.has_error() ? internal::OutcomeOf(head.error()).status : grpc::Status::OK;
  }

  grpc::Status PushBytes(const std::string& bytes) {
    internal::RawCall call(channel_, kExchange);
    call.SetDeadline(Soon());
    const grpc::Slice slice(bytes);
    call.Write(grpc::ByteBuffer(&slice, 1));
    call.WritesDone();
    return ResultOf(call);
  }

  Daemon daemon_;
  std::shared_ptr<grpc::Channel> channel_ =
      grpc::CreateChannel(daemon_.target(), grpc::InsecureChannelCredentials());
  std::unique_ptr<v1::ParameterServer::Stub> stub_ = v1::ParameterServer::NewStub(channel_);
  uint64_t incarnation_ = 0;
  std::string before_;
};

TEST_F(BadInputTest, APullThatRepeatsNothing) {
  v1::FrameHeader head;
  head.mutable_pull()->set_repeat(true);
  const grpc::Status fresh = ExchangeFrames({{head, 0}});
  EXPECT_EQ(fresh.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(fresh.error_message(), HasSubstr("no pull that could be repeated"));

  // What another incarnation pulled on this stream is not this one's.
  v1::FrameHeader pull;
  pull.mutable_pull()->add_wants()->set_name("w");
  head.mutable_pull()->set_incarnation(incarnation_);
  internal::RawCall call(channel_, kExchange);
  call.SetDeadline(Soon());
  ASSERT_TRUE(call.Write(wire::Encode(pull, {})));
  grpc::ByteBuffer answer;
  ASSERT_TRUE(call.Read(&answer));
  call.Write(wire::Encode(head, {}));
  EXPECT_THAT(ResultOf(call).error_message(), HasSubstr("no pull that could be repeated"));
}

// Whoever it is refused for, however it comes.
TEST_F(BadInputTest, AStreamGoesOnAfterARequestThatIsRefused) {
  internal::RawCall call(channel_, kExchange);
  call.SetDeadline(Soon());
  v1::FrameHeader unknown = GoodHead();
  unknown.mutable_push()->mutable_steps(0)->mutable_updates(0)->set_variable("nowhere");
  v1::FrameHeader first_half;
  AddChunk(first_half, 0, 12);
  v1::FrameHeader second_half;
  AddChunk(second_half, 12, 12);
  v1::FrameHeader pull;
  pull.mutable_pull()->add_wants()->set_name("w");
  for (int i = 0; i < 3; ++i) {
    // Its bytes come although the head was refused.
    const grpc::Slice half(std::string(12, '\0'));
    call.Write(wire::Encode(unknown, {}));
    call.Write(wire::Encode(first_half, {half}));
    call.Write(wire::Encode(second_half, {half}));
    EXPECT_EQ(ResultOf(call).error_code(), grpc::StatusCode::NOT_FOUND);
    call.Write(wire::Encode(pull, {}));
    EXPECT_TRUE(ResultOf(call).ok());
    // What is wrong with the bytes is seen when all have come.
    v1::FrameHeader nan = GoodHead();
    AddChunk(nan, 0, 24);
    call.Write(wire::Encode(nan, {grpc::Slice(std::string(24, '\xff'))}));
    EXPECT_EQ(ResultOf(call).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  }
  // A chunk that belongs nowhere makes no sense, even of a request that is refused.
  call.Write(wire::Encode(unknown, {}));
  call.Write(wire::Encode(second_half, {grpc::Slice(std::string(12, '\0'))}));
  grpc::ByteBuffer answer;
  EXPECT_FALSE(call.Read(&answer));
  EXPECT_THAT(call.Finish().status.error_message(), HasSubstr("malformed tensor frame"));
}

TEST_F(BadInputTest, ALargeRequestThatIsRefusedEndsItsStream) {
  internal::RawCall call(channel_, kExchange);
  call.SetDeadline(Soon());
  v1::FrameHeader head = GoodHead();
  head.mutable_tensors(0)->mutable_shape()->set_dims(0, 1 << 20);
  call.Write(wire::Encode(head, {}));
  grpc::ByteBuffer answer;
  EXPECT_FALSE(call.Read(&answer));
  const grpc::Status status = call.Finish().status;
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("the push sends float32"));
}

TEST_F(BadInputTest, Names) {
  const auto message = [&](const std::string& name) {
    const grpc::Status status = Resolve(Definition(name, {1}));
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_LT(status.error_message().size(), 1000U);
    return status.error_message();
  };
  EXPECT_THAT(message(""), HasSubstr("must not be empty"));
  EXPECT_THAT(message(std::string(10240, 'x')), HasSubstr("has 10240 bytes, at most 1024"));
  EXPECT_THAT(message("a b"), HasSubstr("'a b' is not a valid variable name"));
  EXPECT_THAT(message("a\nb"), HasSubstr("'a\\nb' is not"));
  EXPECT_THAT(message("-a"), HasSubstr("worker 'mallory'"));
}

TEST_F(BadInputTest, NamesThatAreNotUtf8) {
  // protobuf refuses such a string; sent as bytes it never reaches the store.
  const std::string name = "\xff\xfe";
  const std::string definition = std::string("\x12") + char(2) + name;
  const std::string request = std::string("\x1a") + char(definition.size()) + definition;
  internal::RawCall call(channel_, "/varscope.v1.ParameterServer/Resolve");
  call.SetDeadline(Soon());
  const grpc::Slice slice(request);
  call.Write(grpc::ByteBuffer(&slice, 1));
  call.WritesDone();
  grpc::ByteBuffer answer;
  call.Read(&answer);
  const grpc::Status status = call.Finish().status;
  EXPECT_FALSE(status.ok());

  v1::FrameHeader head = GoodHead();
  AddChunk(head, 0, 24);
  std::string bytes = head.SerializeAsString();
  const size_t at = bytes.find("mallory");
  bytes.replace(at, 2, name);
  const std::string frame = std::string("\x0a") + char(bytes.size()) + bytes;
  EXPECT_EQ(PushBytes(frame).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(BadInputTest, Shapes) {
  const auto message = [&](const std::vector<int64_t>& dims) {
    const grpc::Status status = Resolve(Definition("new", dims));
    EXPECT_FALSE(status.ok());
    return status.error_message();
  };
  EXPECT_THAT(message({-2}), HasSubstr("negative dimension -2"));
  EXPECT_THAT(message({-1}), HasSubstr("negative or unknown dimension"));
  EXPECT_THAT(message({int64_t{1} << 40, int64_t{1} << 40}), HasSubstr("overflows"));
  EXPECT_THAT(message({int64_t{1} << 40}),
              HasSubstr("takes 4398046511104 bytes, a variable may take"));
  EXPECT_THAT(message(std::vector<int64_t>(17, 1)), HasSubstr("17 dimensions, at most 16"));
}

TEST_F(BadInputTest, InitializersAndDTypes) {
  v1::VariableDefinition d = Definition("new", {2});
  d.mutable_initializer()->set_kind("lucky");
  EXPECT_THAT(Resolve(d).error_message(), HasSubstr("unknown initializer 'lucky'; known: "));
  d = Definition("new", {2});
  d.mutable_initializer()->set_kind("value");
  d.mutable_initializer()->set_value("12345");
  EXPECT_THAT(Resolve(d).error_message(), HasSubstr("has 5 bytes, float32 (2,) takes 8"));
  d = Definition("new", {2});
  d.set_dtype(static_cast<v1::DType>(99));
  EXPECT_THAT(Resolve(d).error_message(), HasSubstr("99 is not a dtype"));
  d = Definition("new", {2});
  d.mutable_partitioning()->mutable_full_shape()->add_dims(2);
  d.mutable_partitioning()->add_partitions(0);
  EXPECT_THAT(Resolve(d).error_message(), HasSubstr("zero partitions"));
}

TEST_F(BadInputTest, WorkersWithoutANameOrAConnection) {
  v1::ConnectResponse connected;
  const grpc::Status nameless =
      Call(&v1::ParameterServer::Stub::Connect, v1::ConnectRequest(), &connected);
  EXPECT_EQ(nameless.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(nameless.error_message(), HasSubstr("a worker needs an id"));

  v1::ResolveRequest stranger;
  stranger.set_worker_id("stranger");
  v1::ResolveResponse response;
  const grpc::Status unknown = Call(&v1::ParameterServer::Stub::Resolve, stranger, &response);
  EXPECT_THAT(unknown.error_message(), HasSubstr("'stranger' is not connected"));

  incarnation_ += 7;
  EXPECT_EQ(Resolve(Definition("new", {1})).error_code(), grpc::StatusCode::ABORTED);
  v1::FrameHeader head = GoodHead();
  AddChunk(head, 0, 24);
  EXPECT_EQ(ExchangeFrames({{head, 24}}).error_code(), grpc::StatusCode::ABORTED);
}

TEST_F(BadInputTest, PushesThatDoNotAddUp) {
  struct Case {
    std::function<void(v1::FrameHeader&)> bend;
    size_t body;
    std::string message;
  };
  const auto whole = [](v1::FrameHeader& h) { AddChunk(h, 0, 24); };
  const std::vector<Case> cases = {
      {[](v1::FrameHeader& h) { AddChunk(h, 0, 20); }, 20, "'w' has 24 bytes, only 20 came"},
      {[](v1::FrameHeader& h) { AddChunk(h, 0, 28); }, 28, "has 24 bytes, a chunk covers 28"},
      {[](v1::FrameHeader& h) { AddChunk(h, 4, 20); }, 20, "a chunk covers 20 from 4"},
      {whole, 20, "the body"},
      {whole, 28, "the body"},
      {[](v1::FrameHeader& h) { AddChunk(h, 0, 24)->set_tensor(7); }, 24, "tensor 7 of 1"},
      {[&](v1::FrameHeader& h) {
         whole(h);
         h.mutable_tensors(0)->set_dtype(v1::DT_FLOAT64);
         h.mutable_chunks(0)->set_length(48);
       },
       48, "the push sends float64 (2, 3), expected float32 (2, 3)"},
      {[&](v1::FrameHeader& h) {
         whole(h);
         h.mutable_tensors(0)->mutable_shape()->set_dims(0, 3);
         h.mutable_tensors(0)->mutable_shape()->set_dims(1, 2);
       },
       24, "the push sends float32 (3, 2), expected float32 (2, 3)"},
      {[&](v1::FrameHeader& h) {
         whole(h);
         h.mutable_push()->mutable_steps(0)->mutable_updates(0)->set_variable("nowhere/v");
       },
       24, "variable 'nowhere/v' is not in the store"},
      {[&](v1::FrameHeader& h) {
         whole(h);
         h.mutable_push()->mutable_steps(0)->mutable_updates(0)->set_gradient(5);
       },
       24, "names tensor 5 of 1"},
      {[&](v1::FrameHeader& h) {
         whole(h);
         h.mutable_push()->mutable_steps(0)->mutable_state()->set_optimizer("Magic");
       },
       24, "unknown optimizer 'Magic'; known: "},
      {[&](v1::FrameHeader& h) {
         whole(h);
         h.mutable_push()->mutable_steps(0)->mutable_state()->clear_hyperparameters();
       },
       24, "needs a finite value for 'learning_rate'"},
      {[&](v1::FrameHeader& h) {
         whole(h);
         *h.mutable_push()->mutable_steps(0)->add_updates() = h.push().steps(0).updates(0);
       },
       24, "two gradients"},
      {[&](v1::FrameHeader& h) {
         whole(h);
         h.mutable_push()->set_worker_id("");
       },
       24, "a worker needs an id"},
      {[&](v1::FrameHeader& h) {
         whole(h);
         h.clear_push();
       },
       24, "no push head"},
      {[&](v1::FrameHeader& h) {
         AddChunk(h, 0, 24);
         h.mutable_tensors(0)->mutable_shape()->set_dims(0, int64_t{1} << 50);
       },
       24, "--max-push-bytes"},
  };
  for (const Case& c : cases) {
    v1::FrameHeader head = GoodHead();
    c.bend(head);
    const grpc::Status status = ExchangeFrames({{head, c.body}});
    EXPECT_FALSE(status.ok()) << c.message;
    EXPECT_THAT(status.error_message(), HasSubstr(c.message));
  }
}

TEST_F(BadInputTest, APushThatIsDamagedOnItsWay) {
  v1::FrameHeader head = GoodHead();
  head.set_checksums(true);
  AddChunk(head, 0, 24);
  const grpc::ByteBuffer good =
      wire::Encode(head, {grpc::Slice(std::string(24, '\0'))}, /*checksum=*/true);
  std::string bytes = BytesOf(good);
  bytes[bytes.size() - 3] ^= 0x40;  // an element of the gradient
  const grpc::Status status = PushBytes(bytes);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DATA_LOSS);
  EXPECT_THAT(status.error_message(), HasSubstr("damaged on its way"));
}

TEST_F(BadInputTest, BytesThatAreNoFrames) {
  EXPECT_THAT(PushBytes("\x0a").error_message(), HasSubstr("malformed tensor frame"));
  EXPECT_THAT(PushBytes("hello").error_message(), HasSubstr("malformed tensor frame"));
  EXPECT_THAT(PushBytes("\x0a\xff\xff\xff\xff\x7f").error_message(), HasSubstr("too large"));
  v1::FrameHeader head = GoodHead();
  AddChunk(head, 0, 12);
  EXPECT_THAT(ExchangeFrames({{head, 12}, {head, 12}}).error_message(), HasSubstr("second head"));
}

TEST_F(BadInputTest, PullsOfWhatIsNotThere) {
  v1::FrameHeader request;
  request.mutable_pull()->add_wants()->set_name("w");
  request.mutable_pull()->add_wants()->set_name("nowhere/v");
  const grpc::Status status = ExchangeFrames({{request, 0}});
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("'nowhere/v' is not in the store"));
}

TEST_F(BadInputTest, RowsThatCannotBePulled) {
  // Two rows of w, both the first, before the request is bent.
  v1::FrameHeader good;
  good.mutable_pull()->add_wants()->set_name("w");
  good.mutable_pull()->mutable_wants(0)->set_rows(0);
  good.add_tensors()->set_dtype(v1::DT_INT64);
  good.mutable_tensors(0)->mutable_shape()->add_dims(2);
  AddChunk(good, 0, 16);
  EXPECT_TRUE(ExchangeFrames({{good, 16}}).ok());

  struct Case {
    std::function<void(v1::FrameHeader&)> bend;
    size_t body;
    grpc::StatusCode code;
    const char* message;
  };
  const auto invalid = grpc::StatusCode::INVALID_ARGUMENT;
  v1::VariableDefinition scalar = Definition("scalar", {});
  ASSERT_TRUE(Resolve(scalar).ok());
  before_ = Store();
  const std::vector<Case> cases = {
      {[](auto& h) { h.mutable_pull()->mutable_wants(0)->set_rows(1); }, 16, invalid,
       "variable w: its row numbers are tensor 1 of 1, which is missing or another's"},
      {[](auto& h) { h.mutable_pull()->mutable_wants(0)->clear_rows(); }, 16, invalid,
       "a pull sends tensors that are no variable's row numbers"},
      {[](auto& h) { *h.mutable_pull()->add_wants() = h.pull().wants(0); }, 16, invalid,
       "which is missing or another's"},
      {[](auto& h) { h.mutable_tensors(0)->set_dtype(v1::DT_FLOAT32); }, 8, invalid,
       "variable w: row numbers are a plain int32 or int64 tensor, not float32"},
      {[](auto& h) { h.mutable_tensors(0)->set_unchanged(true); }, 0, invalid,
       "row numbers are a plain"},
      {[](auto& h) { h.mutable_tensors(0)->mutable_shape()->set_dims(0, 3); }, 24, invalid,
       "variable w: has 2 rows, the pull asks for 3"},
      {[](auto& h) { h.mutable_tensors(0)->mutable_shape()->set_dims(0, int64_t{1} << 60); }, 0,
       invalid, ""},
      {[](auto& h) { h.mutable_pull()->mutable_wants(0)->set_name("scalar"); }, 16, invalid,
       "variable scalar: has no rows"},
      {[](auto& h) { h.mutable_pull()->mutable_wants(0)->set_name("nowhere"); }, 16,
       grpc::StatusCode::NOT_FOUND, "'nowhere' is not in the store"},
  };
  for (const Case& c : cases) {
    v1::FrameHeader head = good;
    c.bend(head);
    if (c.body != 16) head.clear_chunks();
    if (c.body != 16 && c.body > 0) AddChunk(head, 0, c.body);
    const grpc::Status status = ExchangeFrames({{head, c.body}});
    EXPECT_EQ(status.error_code(), c.code) << c.message << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr(c.message));
  }
  v1::FrameHeader with_push = GoodHead();
  *with_push.mutable_pull() = good.pull();
  EXPECT_THAT(ExchangeFrames({{with_push, 0}}).error_message(),
              HasSubstr("rows are pulled without a push"));
  // Numbers are seen only when they come: here 0x0101010101010101.
  internal::RawCall call(channel_, kExchange);
  call.SetDeadline(Soon());
  call.Write(wire::Encode(good, {grpc::Slice(std::string(16, '\1'))}));
  const grpc::Status status = ResultOf(call);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_THAT(status.error_message(),
              HasSubstr("variable w: row 72340172838076673 is not in [0, 2)"));
}

TEST_F(BadInputTest, Barriers) {
  const auto arrive = [&](const std::string& name, uint32_t parties, uint64_t timeout_ms) {
    v1::BarrierRequest request;
    request.set_worker_id("mallory");
    request.set_name(name);
    request.set_parties(parties);
    request.set_timeout_ms(timeout_ms);
    v1::BarrierResponse response;
    return Call(&v1::ParameterServer::Stub::Barrier, request, &response);
  };
  EXPECT_EQ(arrive("", 1, 1000).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(arrive("b", 0, 1000).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(arrive("b", 1, 0).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  const grpc::Status alone = arrive("b", 2, 50);
  EXPECT_EQ(alone.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(alone.error_message(), HasSubstr("barrier 'b' round 1: worker 'mallory' waited"));
  EXPECT_THAT(alone.error_message(), HasSubstr("for 1 more of 2 parties"));
}

}  // namespace
}  // namespace varscope::testing
