// A program that uses variables of every dtype on a real server: made, read, fed, converted,
// assigned, saved and listed; and told what it cannot do.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "proto/wire/protocol.h"
#include "tests/support/raw_worker.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tensors.h"
#include "varscope/v1/types.pb.h"
#include "varscope/v1/worker.grpc.pb.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

using ::testing::HasSubstr;

// 0, 1, 2, ...; of bool, 0 and 1.
Tensor Count(DType dtype, const Shape& shape) {
  Tensor tensor(dtype, shape);
  VisitDType(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t i = 0; i < tensor.num_elements(); ++i) {
      tensor.mutable_data<T>()[i] = static_cast<T>(dtype == DType::kBool ? i % 2 : i);
    }
  });
  return tensor;
}

class DTypesTest : public ::testing::Test {
 protected:
  const ServerProcess server_;
  Graph graph_{server_.target()};
  const ScopeGuard use_ = graph_.as_default();
  const TemporaryDirectory directory_;
};

TEST_F(DTypesTest, AreMadeReadFedConvertedAndAssigned) {
  for (const DType dtype : AllDTypes()) {
    SCOPED_TRACE(Name(dtype));
    const std::string name = Name(dtype);
    const Variable made = get_variable(name + "/made", {.shape = Shape{3, 2}, .dtype = dtype});
    const Variable one = get_variable(
        name + "/ones", {.shape = Shape{4}, .dtype = dtype, .initializer = ones_initializer()});
    const Variable given =
        get_variable(name + "/given", {.dtype = dtype, .initializer = Count(dtype, Shape{3, 2})});
    const Output x = placeholder(dtype, Shape{3, 2});
    const Output moved = reshape(transpose(identity(x)), {6});
    const Output grown = pad(tile(concat({x, x}, 1), {1, 2}), {{0, 1}, {1, 0}});
    const Output converted = cast(cast(x, float64), dtype);
    const Output chosen =
        where(constant(Tensor::Of<bool>(Shape{3}, {true, false, true})), x, zeros_like(x));
    const Operation assigned = given.assign(x).op();
    const Output scattered =
        given.scatter_update(Tensor::Of<int32_t>(Shape{1}, {2}), ones({1, 2}, dtype));
    const Output looked_up = gather(given, Tensor::Of<int64_t>(Shape{2}, {2, 0}));
    Session session;
    EXPECT_EQ(session.run(made).dtype(), dtype);
    EXPECT_EQ(Summarize(session.run(one)), "[1 1 1 1]");
    EXPECT_TRUE(BytesEqual(session.run(given), Count(dtype, Shape{3, 2})));
    const Tensor fed = Count(dtype, Shape{3, 2});
    const bool truth = dtype == DType::kBool;
    EXPECT_EQ(Summarize(session.run(moved, {{x, fed}})), truth ? "[0 0 0 1 1 1]" : "[0 2 4 1 3 5]");
    EXPECT_EQ(Summarize(session.run(grown, {{x, fed}}), 12),
              truth ? "[0 0 1 0 1 0 1 0 1 0 0 1 ...]" : "[0 0 1 0 1 0 1 0 1 0 2 3 ...]");
    EXPECT_TRUE(BytesEqual(session.run(converted, {{x, fed}}), fed));
    EXPECT_EQ(Summarize(session.run(chosen, {{x, fed}})),
              truth ? "[0 1 0 0 0 1]" : "[0 1 0 0 4 5]");
    session.run(assigned, {{x, Zeros(dtype, Shape{3, 2})}});
    EXPECT_TRUE(BytesEqual(session.read(name + "/given"), Zeros(dtype, Shape{3, 2})));
    session.run(scattered);
    EXPECT_EQ(Summarize(session.run(looked_up)), "[1 1 0 0]");
    if (truth) continue;
    EXPECT_EQ(Summarize(session.run(one.assign_sub(ones({4}, dtype)))), "[0 0 0 0]");
    EXPECT_EQ(Summarize(session.run(one.assign_add(Count(dtype, Shape{4})))), "[0 1 2 3]");
    const Output more =
        one.scatter_add(Tensor::Of<int64_t>(Shape{2}, {1, 1}), Count(dtype, Shape{2}));
    EXPECT_EQ(Summarize(session.run(more)), "[0 2 2 3]");
  }
}

TEST_F(DTypesTest, AreSavedAndRestoredInEveryFormat) {
  std::map<std::string, Tensor> values;
  for (const DType dtype : AllDTypes()) {
    const Tensor value = Count(dtype, Shape{4, 3});
    get_variable(Name(dtype), {.dtype = dtype, .initializer = value});
    get_variable("parts/" + Name(dtype), {.shape = Shape{4, 3},
                                          .dtype = dtype,
                                          .initializer = ones_initializer(),
                                          .partitioner = fixed_size_partitioner(2)});
    values[Name(dtype)] = value;
  }
  Session session;
  session.run(global_variables_initializer());
  train::Saver saver;
  for (const char* file : {"m.ckpt", "m.npz", "m.safetensors"}) {
    const std::string path = saver.save(session, directory_ / file);
    for (const auto& [name, value] : values) {
      const Variable variable =
          get_variable(name, {.shape = Shape{4, 3}, .dtype = value.dtype(), .reuse = Reuse::kAuto});
      session.run(variable.assign(Zeros(value.dtype(), Shape{4, 3})));
    }
    saver.restore(session, path);
    for (const auto& [name, value] : values) {
      EXPECT_TRUE(BytesEqual(session.read(name), value)) << file << " " << name;
      EXPECT_EQ(Summarize(session.read("parts/" + name + "/part_1")), "[1 1 1 1 1 1]") << file;
    }
  }
}

// Narrow elements, saved to save space, are for the variables that are trained.
TEST_F(DTypesTest, AreWidenedWhereAVariableIsWider) {
  const Variable narrow =
      get_variable("w", {.dtype = bfloat16, .initializer = Count(bfloat16, Shape{3})});
  Session session;
  for (const char* file : {"n.ckpt", "n.npz", "n.safetensors"}) {
    train::Saver({narrow}).save(session, directory_ / file);
    const std::string wide_name = std::string("wide/") + file[2];
    const Variable wide =
        get_variable(wide_name, {.shape = Shape{3}, .initializer = zeros_initializer()});
    train::Saver(std::map<std::string, Variable>{{"w", wide}}).restore(session, directory_ / file);
    EXPECT_EQ(Summarize(session.run(wide)), "[0 1 2]");
    const Variable other = get_variable(wide_name + "64", {.shape = Shape{3}, .dtype = float64});
    EXPECT_THROW(train::Saver(std::map<std::string, Variable>{{"w", other}})
                     .restore(session, directory_ / file),
                 InvalidArgumentError);
  }
}

TEST_F(DTypesTest, AreListedByTheirNames) {
  for (const DType dtype : AllDTypes()) {
    get_variable("v_" + Name(dtype), {.shape = Shape{1}, .dtype = dtype});
  }
  const Finished list = server_.Ctl({"list"});
  for (const DType dtype : AllDTypes()) {
    EXPECT_THAT(list.output,
                ::testing::ContainsRegex("v_" + Name(dtype) + " .* " + Name(dtype) + " "));
    const Finished one = server_.Ctl({"describe", "v_" + Name(dtype)});
    EXPECT_THAT(one.output, HasSubstr(Name(dtype) + " (1,)"));
  }
}

TEST_F(DTypesTest, AreNotTrainedButForTwo) {
  for (const DType dtype : AllDTypes()) {
    if (!IsFloating(dtype)) continue;
    const Variable w = get_variable(
        "t_" + Name(dtype), {.shape = Shape{2}, .dtype = dtype, .initializer = ones_initializer()});
    const Output loss = reduce_sum(square(cast(w, float32)));
    const train::Optimizer optimizer = train::GradientDescentOptimizer(0.25);
    if (TakesGradients(dtype)) {
      const Operation train = optimizer.minimize(loss, {}, {w});
      Session session;
      session.run(train);
      EXPECT_EQ(Summarize(session.run(w)), "[0.5 0.5]");
      continue;
    }
    try {
      optimizer.minimize(loss, {}, {w});
      ADD_FAILURE() << Name(dtype);
    } catch (const ValueError& error) {
      EXPECT_THAT(error.message(),
                  HasSubstr("Invalid type tf." + Name(dtype) + " for " + w.name()));
    }
  }
}

// As another program may send it.
TEST_F(DTypesTest, AnInitialValueWhoseBoolIsNeitherTrueNorFalseIsRefused) {
  const RawWorker other(server_.target(), "other");
  for (const char byte : {0, 1, 2, 127, -1}) {
    v1::ResolveRequest request;
    v1::VariableDefinition& definition = *request.add_definitions();
    definition.set_key("b" + std::to_string(byte));
    definition.set_name(definition.key());
    definition.set_dtype(v1::DT_BOOL);
    definition.mutable_shape()->add_dims(2);
    definition.mutable_initializer()->set_kind("value");
    definition.mutable_initializer()->set_value(std::string(1, 0) + byte);
    v1::ResolveResponse response;
    const grpc::Status status = other.Call(&v1::ParameterServer::Stub::Resolve, request, &response);
    const bool good = byte == 0 || byte == 1;
    EXPECT_EQ(status.ok(), good) << status.error_message() << response.DebugString();
  }
}

}  // namespace
}  // namespace varscope::testing
