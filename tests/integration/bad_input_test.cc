// Hostile and broken input, straight on the wire: a precise error each, the server up, the store
// unchanged.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>

#include "absl/strings/str_cat.h"
#include "client/rpc/list_parts.h"
#include "client/rpc/raw_call.h"
#include "client/rpc/retry.h"
#include "proto/wire/convert.h"
#include "proto/wire/frame.h"
#include "proto/wire/protocol.h"
#include "tests/support/bytes_of.h"
#include "tests/support/definition.h"
#include "tests/support/operator.h"
#include "tests/support/raw_worker.h"
#include "tests/support/server_process.h"
#include "varscope/v1/admin.pb.h"
#include "varscope/v1/tensor_stream.pb.h"
#include "varscope/v1/types.pb.h"
#include "varscope/v1/worker.grpc.pb.h"

namespace varscope::testing {
namespace {

using ::testing::HasSubstr;

constexpr const char* kExchange = "/varscope.v1.ParameterServer/Exchange";

internal::Clock::time_point Soon() { return internal::Clock::now() + std::chrono::seconds(60); }

class BadInputTest : public ::testing::Test {
 protected:
  BadInputTest() {
    v1::VariableDefinition w = ZerosOf("w", {2, 3});
    v1::Resolution created;
    EXPECT_TRUE(Resolve(w, &created).ok());
    EXPECT_EQ(created.outcome(), v1::Resolution::CREATED);
    before_ = Store();
  }

  ~BadInputTest() override {
    EXPECT_EQ(Store(), before_) << "the store must be unchanged";
    EXPECT_EQ(server_.Stop(), 0);
  }

  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (v1::ParameterServer::Stub::*method)(grpc::ClientContext*,
                                                                      const Request&, Response*),
                    const Request& request, Response* response) {
    return worker_.Call(method, request, response);
  }

  // Everything but traffic, as text.
  std::string Store() {
    v1::ListVariablesResponse list;
    grpc::ClientContext context;
    const auto admin = v1::Admin::NewStub(worker_.channel());
    EXPECT_TRUE(internal::ReadParts(*admin, &v1::Admin::Stub::ListVariables, context,
                                    v1::ListVariablesRequest(), &list)
                    .ok());
    for (v1::VariableInfo& info : *list.mutable_variables()) {
      info.clear_pulls();
      info.clear_bytes_pulled();
    }
    return list.DebugString();
  }

  grpc::Status Resolve(const v1::VariableDefinition& definition,
                       v1::Resolution* resolution = nullptr) {
    v1::ResolveRequest request;
    *request.add_definitions() = definition;
    v1::ResolveResponse response;
    grpc::Status status = Call(&v1::ParameterServer::Stub::Resolve, request, &response);
    if (resolution != nullptr && status.ok()) *resolution = response.resolutions(0);
    return status;
  }

  static v1::NamedVariable Named(const std::string& name) {
    v1::NamedVariable named;
    named.set_name(name);
    return named;
  }

  // A push of one SGD gradient of w, before it is bent.
  v1::FrameHeader GoodHead() const {
    v1::FrameHeader head;
    v1::NamedVariable& w = *head.add_variables() = Named("w");
    w.set_dtype(v1::DT_FLOAT32);
    w.mutable_shape()->add_dims(2);
    w.mutable_shape()->add_dims(3);
    head.set_body_bytes(24);
    v1::PushHead* const push = head.mutable_push();
    push->set_sequence(1);
    v1::OptimizerStep* const step = push->add_steps();
    step->mutable_state()->set_optimizer("GradientDescent");
    wire::ToProto({{"learning_rate", 0.1}}, step->mutable_state()->mutable_hyperparameters());
    step->add_variables(0);
    return head;
  }

  static v1::FrameHeader PullOf(const std::string& name) {
    v1::FrameHeader head;
    *head.add_variables() = Named(name);
    head.mutable_pull()->add_variables(0);
    return head;
  }

  // Sends frames as they are; the body of each is `body` bytes of zeros.
  grpc::Status ExchangeFrames(const std::vector<std::pair<v1::FrameHeader, size_t>>& frames) {
    internal::RawCall call(worker_.channel(), kExchange, worker_.session_key());
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
    internal::RawCall call(worker_.channel(), kExchange, worker_.session_key());
    call.SetDeadline(Soon());
    const grpc::Slice slice(bytes);
    call.Write(grpc::ByteBuffer(&slice, 1));
    call.WritesDone();
    return ResultOf(call);
  }

  ServerProcess server_;
  const RawWorker worker_{server_.target(), "mallory"};
  std::string before_;
};

TEST_F(BadInputTest, APullThatRepeatsNothing) {
  v1::FrameHeader head;
  head.mutable_pull()->set_repeat(true);
  const grpc::Status fresh = ExchangeFrames({{head, 0}});
  EXPECT_EQ(fresh.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(fresh.error_message(), HasSubstr("no pull that could be repeated"));
}

// Whoever it is refused for, however it comes.
TEST_F(BadInputTest, AStreamGoesOnAfterARequestThatIsRefused) {
  internal::RawCall call(worker_.channel(), kExchange, worker_.session_key());
  call.SetDeadline(Soon());
  v1::FrameHeader unknown = GoodHead();
  unknown.mutable_variables(0)->set_name("nowhere");
  const v1::FrameHeader empty;
  for (int i = 0; i < 3; ++i) {
    // Its bytes come although the head was refused.
    const grpc::Slice half(std::string(12, '\0'));
    call.Write(wire::Encode(unknown, {}));
    call.Write(wire::Encode(empty, {half}));
    call.Write(wire::Encode(empty, {half}));
    EXPECT_EQ(ResultOf(call).error_code(), grpc::StatusCode::NOT_FOUND);
    call.Write(wire::Encode(PullOf("w"), {}));
    EXPECT_TRUE(ResultOf(call).ok());
    // What is wrong with the bytes is seen when all have come.
    v1::FrameHeader nan = GoodHead();
    nan.mutable_push()->mutable_steps(0)->set_variables(0, 1);  // the pull has named 0
    call.Write(wire::Encode(nan, {grpc::Slice(std::string(24, '\xff'))}));
    EXPECT_EQ(ResultOf(call).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  }
  // More than was announced makes no sense, even of a request that is refused.
  call.Write(wire::Encode(unknown, {}));
  call.Write(wire::Encode(empty, {grpc::Slice(std::string(25, '\0'))}));
  grpc::ByteBuffer answer;
  EXPECT_FALSE(call.Read(&answer));
  EXPECT_THAT(call.Finish().status.error_message(), HasSubstr("malformed tensor frame"));
}

TEST_F(BadInputTest, NumbersHoldUntilARequestIsRefused) {
  internal::RawCall call(worker_.channel(), kExchange, worker_.session_key());
  call.SetDeadline(Soon());
  const auto ask = [&](const v1::FrameHeader& head) {
    call.Write(wire::Encode(head, {}));
    return ResultOf(call);
  };
  ASSERT_TRUE(ask(PullOf("w")).ok());
  v1::FrameHeader by_number;
  by_number.mutable_pull()->add_variables(0);
  EXPECT_TRUE(ask(by_number).ok());
  // Named again it has another number, too.
  v1::FrameHeader again = PullOf("w");
  again.mutable_pull()->set_variables(0, 1);
  EXPECT_TRUE(ask(again).ok());
  by_number.mutable_pull()->set_variables(0, 2);
  EXPECT_THAT(ask(by_number).error_message(),
              HasSubstr("variable number 2, its stream has named 2"));
  by_number.mutable_pull()->set_variables(0, 0);
  EXPECT_THAT(ask(by_number).error_message(),
              HasSubstr("variable number 0, its stream has named 0"));
  EXPECT_TRUE(ask(PullOf("w")).ok());
}

TEST_F(BadInputTest, ALargeRequestThatIsRefusedEndsItsStream) {
  internal::RawCall call(worker_.channel(), kExchange, worker_.session_key());
  call.SetDeadline(Soon());
  v1::FrameHeader head = GoodHead();
  head.mutable_variables(0)->mutable_shape()->set_dims(0, 1 << 20);
  head.set_body_bytes(12 << 20);
  call.Write(wire::Encode(head, {}));
  grpc::ByteBuffer answer;
  EXPECT_FALSE(call.Read(&answer));
  const grpc::Status status = call.Finish().status;
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("the worker sends float32"));
}

TEST_F(BadInputTest, Names) {
  const auto message = [&](const std::string& name) {
    const grpc::Status status = Resolve(ZerosOf(name, {1}));
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
  const std::string request = std::string("\x0a") + char(definition.size()) + definition;
  internal::RawCall call(worker_.channel(), "/varscope.v1.ParameterServer/Resolve",
                         worker_.session_key());
  call.SetDeadline(Soon());
  const grpc::Slice slice(request);
  call.Write(grpc::ByteBuffer(&slice, 1));
  call.WritesDone();
  grpc::ByteBuffer answer;
  call.Read(&answer);
  const grpc::Status status = call.Finish().status;
  EXPECT_FALSE(status.ok());

  const v1::FrameHeader head = GoodHead();
  std::string bytes = head.SerializeAsString();
  const size_t at = bytes.find("GradientDescent");
  bytes.replace(at, 2, name);
  const std::string frame = std::string("\x0a") + char(bytes.size()) + bytes;
  EXPECT_EQ(PushBytes(frame).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(BadInputTest, Shapes) {
  const auto message = [&](const std::vector<int64_t>& dims) {
    const grpc::Status status = Resolve(ZerosOf("new", dims));
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
  v1::VariableDefinition d = ZerosOf("new", {2});
  d.mutable_initializer()->set_kind("lucky");
  EXPECT_THAT(Resolve(d).error_message(), HasSubstr("unknown initializer 'lucky'; known: "));
  d = ZerosOf("new", {2});
  d.mutable_initializer()->set_kind("value");
  d.mutable_initializer()->set_value("12345");
  EXPECT_THAT(Resolve(d).error_message(), HasSubstr("has 5 bytes, float32 (2,) takes 8"));
  d = ZerosOf("new", {2});
  d.set_dtype(static_cast<v1::DType>(99));
  EXPECT_THAT(Resolve(d).error_message(), HasSubstr("99 is not a dtype"));
  d = ZerosOf("new", {2});
  d.mutable_partitioning()->mutable_full_shape()->add_dims(2);
  d.mutable_partitioning()->add_partitions(0);
  EXPECT_THAT(Resolve(d).error_message(), HasSubstr("zero partitions"));
}

TEST_F(BadInputTest, WorkersWithoutANameOrAConnection) {
  v1::ConnectResponse connected;
  v1::ConnectRequest no_name;
  no_name.set_protocol(wire::kProtocol);
  const grpc::Status nameless = Call(&v1::ParameterServer::Stub::Connect, no_name, &connected);
  EXPECT_EQ(nameless.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(nameless.error_message(), HasSubstr("a worker needs an id"));

  v1::ResolveRequest request;
  *request.add_definitions() = ZerosOf("new", {1});
  v1::ResolveResponse response;
  grpc::ClientContext without;
  const grpc::Status nobody = worker_.stub().Resolve(&without, request, &response);
  EXPECT_EQ(nobody.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(nobody.error_message(), HasSubstr("no session key; Connect gives one"));

  // A key that somebody has made up, of which this server knows nothing.
  std::string forged = worker_.session_key();
  forged[20] ^= 1;
  grpc::ClientContext made_up;
  made_up.AddMetadata(wire::kSessionMetadata, forged);
  const grpc::Status unknown = worker_.stub().Resolve(&made_up, request, &response);
  EXPECT_EQ(unknown.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(unknown.error_message(), HasSubstr("worker 'mallory' is not connected"));
  internal::RawCall stream(worker_.channel(), kExchange, forged);
  stream.SetDeadline(Soon());
  stream.Write(wire::Encode(GoodHead(), {}));
  EXPECT_EQ(ResultOf(stream).error_code(), grpc::StatusCode::UNAUTHENTICATED);

  // A worker's next incarnation fences its earlier one.
  const RawWorker next(server_.target(), "mallory");
  EXPECT_EQ(Resolve(ZerosOf("new", {1})).error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(ExchangeFrames({{GoodHead(), 24}}).error_code(), grpc::StatusCode::ABORTED);

  v1::ConnectRequest old;
  old.set_worker_id("old");
  const grpc::Status other = Call(&v1::ParameterServer::Stub::Connect, old, &connected);
  EXPECT_EQ(other.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(other.error_message(), HasSubstr("worker 'old' speaks protocol 1, this server"));
}

TEST_F(BadInputTest, PushesThatDoNotAddUp) {
  struct Case {
    std::function<void(v1::FrameHeader&)> bend;
    size_t body;
    std::string message;
  };
  const auto step = [](v1::FrameHeader& h) { return h.mutable_push()->mutable_steps(0); };
  const std::vector<Case> cases = {
      {[](v1::FrameHeader&) {}, 20, "its tensors have 24 bytes, only 20 came"},
      {[](v1::FrameHeader&) {}, 28, "a body has 28 bytes, only 24 of 24 are missing"},
      {[](v1::FrameHeader& h) { h.set_body_bytes(20); }, 20,
       "its 1 tensors have 24 bytes, its head announces 20"},
      {[](v1::FrameHeader& h) { h.set_body_bytes(28); }, 28, "its head announces 28"},
      {[](v1::FrameHeader& h) { h.mutable_variables(0)->set_dtype(v1::DT_FLOAT64); }, 24,
       "variable w, worker 'mallory': the worker sends float64 (2, 3), expected float32 (2, 3)"},
      {[](v1::FrameHeader& h) { h.mutable_variables(0)->set_dtype(v1::DType(99)); }, 24,
       "99 is not a dtype"},
      {[](v1::FrameHeader& h) {
         h.mutable_variables(0)->mutable_shape()->set_dims(0, 3);
         h.mutable_variables(0)->mutable_shape()->set_dims(1, 2);
       },
       24, "the worker sends float32 (3, 2), expected float32 (2, 3)"},
      {[](v1::FrameHeader& h) { h.mutable_variables(0)->set_name("nowhere/v"); }, 24,
       "variable 'nowhere/v' is not in the store"},
      {[](v1::FrameHeader& h) { h.mutable_variables(0)->add_slots("a b"); }, 24,
       "'a b' is not a valid variable name"},
      {[&](v1::FrameHeader& h) { step(h)->set_variables(0, 5); }, 24,
       "the request means variable number 5, its stream has named 1"},
      {[&](v1::FrameHeader& h) { step(h)->add_create_slots(7); }, 24, "variable number 7"},
      {[&](v1::FrameHeader& h) { h.mutable_push()->add_assignments()->set_variable(3); }, 24,
       "variable number 3"},
      {[&](v1::FrameHeader& h) { step(h)->add_index_counts(0), step(h)->add_index_counts(0); }, 24,
       "the push has 2 index counts for 1 variables"},
      {[&](v1::FrameHeader& h) { step(h)->add_base_versions(1), step(h)->add_base_versions(1); },
       24, "the push has 2 versions for 1 variables"},
      {[&](v1::FrameHeader& h) {
         for (int i = 0; i < 3; ++i) step(h)->add_encodings(v1::ENCODING_NONE);
       },
       24, "the push has 3 encodings for 1 variables"},
      {[&](v1::FrameHeader& h) { step(h)->add_encodings(v1::Encoding(77)); }, 24, "variable w"},
      {[&](v1::FrameHeader& h) { step(h)->add_index_counts(UINT64_MAX); }, 24,
       "more rows than there are"},
      {[&](v1::FrameHeader& h) { step(h)->add_index_counts(uint64_t{1} << 60); }, 24,
       "--max-push-bytes"},
      {[&](v1::FrameHeader& h) { step(h)->add_index_counts(uint64_t{1} << 40); }, 24,
       "--max-push-bytes"},
      {[&](v1::FrameHeader& h) { step(h)->mutable_state()->set_optimizer("Magic"); }, 24,
       "unknown optimizer 'Magic'; known: "},
      {[&](v1::FrameHeader& h) { step(h)->mutable_state()->clear_hyperparameters(); }, 24,
       "needs a finite value for 'learning_rate'"},
      {[&](v1::FrameHeader& h) { step(h)->add_variables(0), h.set_body_bytes(48); }, 48,
       "two gradients"},
      {[&](v1::FrameHeader& h) {
         *h.add_variables() = h.variables(0);  // another number for the same
         step(h)->add_variables(1);
         h.set_body_bytes(48);
       },
       48, "two gradients"},
      {[](v1::FrameHeader& h) { h.clear_push(); }, 24, "no push head"},
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
  const v1::FrameHeader head = GoodHead();
  EXPECT_THAT(ExchangeFrames({{head, 12}, {head, 12}}).error_message(), HasSubstr("second head"));
  EXPECT_THAT(ExchangeFrames({{head, 12}, {v1::FrameHeader(), 0}}).error_message(),
              HasSubstr("an empty frame"));
}

TEST_F(BadInputTest, PullsOfWhatIsNotThere) {
  v1::FrameHeader request = PullOf("w");
  *request.add_variables() = Named("nowhere/v");
  request.mutable_pull()->add_variables(1);
  const grpc::Status status = ExchangeFrames({{request, 0}});
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("'nowhere/v' is not in the store"));
}

TEST_F(BadInputTest, RowsThatCannotBePulled) {
  // Two rows of w, both the first, before the request is bent.
  v1::FrameHeader good = PullOf("w");
  good.mutable_pull()->add_index_counts(3);
  good.set_body_bytes(16);
  EXPECT_TRUE(ExchangeFrames({{good, 16}}).ok());

  struct Case {
    std::function<void(v1::FrameHeader&)> bend;
    size_t body;
    grpc::StatusCode code;
    const char* message;
  };
  const auto invalid = grpc::StatusCode::INVALID_ARGUMENT;
  v1::VariableDefinition scalar = ZerosOf("scalar", {});
  ASSERT_TRUE(Resolve(scalar).ok());
  before_ = Store();
  const std::vector<Case> cases = {
      {[](auto& h) { h.mutable_pull()->set_variables(0, 1); }, 16, invalid, "variable number 1"},
      {[](auto& h) { h.mutable_pull()->clear_index_counts(); }, 16, invalid,
       "its 0 tensors have 0 bytes, its head announces 16"},
      {[](auto& h) { h.mutable_pull()->add_index_counts(1); }, 16, invalid,
       "the pull has 2 index counts for 1 variables"},
      {[](auto& h) { h.mutable_pull()->add_versions(1), h.mutable_pull()->add_versions(1); }, 16,
       invalid, "the pull has 2 versions for 1 variables"},
      {[](auto& h) { h.mutable_pull()->add_encodings(v1::ENCODING_INT8); }, 16, invalid,
       "variable w cannot be pulled in encoding 3"},
      {[](auto& h) { h.mutable_pull()->add_encodings(v1::Encoding(200)); }, 16, invalid,
       "variable w: there is no encoding 200"},
      {[](auto& h) { h.mutable_pull()->set_index_counts(0, 4), h.set_body_bytes(24); }, 24, invalid,
       "variable w: has 2 rows, the pull asks for 3"},
      {[](auto& h) { h.mutable_pull()->set_index_counts(0, uint64_t{1} << 60); }, 0, invalid,
       "variable w: has 2 rows"},
      {[](auto& h) { h.mutable_pull()->set_index_counts(0, UINT64_MAX); }, 0, invalid,
       "variable w: has 2 rows"},
      {[](auto& h) { h.mutable_variables(0)->set_name("scalar"); }, 16, invalid,
       "variable scalar: has no rows"},
      {[](auto& h) { h.mutable_variables(0)->set_name("nowhere"); }, 16,
       grpc::StatusCode::NOT_FOUND, "'nowhere' is not in the store"},
  };
  for (const Case& c : cases) {
    v1::FrameHeader head = good;
    c.bend(head);
    const grpc::Status status = ExchangeFrames({{head, c.body}});
    EXPECT_EQ(status.error_code(), c.code) << c.message << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr(c.message));
  }
  v1::FrameHeader with_push = GoodHead();
  *with_push.mutable_pull() = good.pull();
  with_push.set_body_bytes(40);
  EXPECT_THAT(ExchangeFrames({{with_push, 40}}).error_message(),
              HasSubstr("a pull with indices cannot come with a push: send it alone"));
  // Numbers are seen only when they come: here 0x0101010101010101.
  internal::RawCall call(worker_.channel(), kExchange, worker_.session_key());
  call.SetDeadline(Soon());
  call.Write(wire::Encode(good, {grpc::Slice(std::string(16, '\1'))}));
  const grpc::Status status = ResultOf(call);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(),
              HasSubstr("variable w: row 72340172838076673 is not in [0, 2)"));
}

TEST_F(BadInputTest, Barriers) {
  const auto arrive = [&](const std::string& name, uint32_t parties, uint64_t timeout_ms) {
    v1::BarrierRequest request;
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

TEST_F(BadInputTest, MoreWorkersThanOneMessageLists) {
  std::deque<RawWorker> workers;
  for (int i = 0; i < 600; ++i) workers.emplace_back(server_.target(), absl::StrCat("one-of-", i));
  Operator ctl(server_.target());
  for (const int i : {0, 63, 64, 127, 128, 599}) {
    EXPECT_NE(ctl.IncarnationOf(absl::StrCat("one-of-", i)), 0U);
  }
}

}  // namespace
}  // namespace varscope::testing
