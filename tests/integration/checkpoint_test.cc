// Saver, export and import against real servers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "tests/support/server_process.h"
#include "tests/support/temporary_directory.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CheckpointTest : public ::testing::Test {
 protected:
  const TemporaryDirectory directory_;
  const std::string folder_ = directory_.path();
};

// A model whose Adam has taken some steps.
struct Model {
  Variable w = get_variable("model/w", {.shape = Shape{2, 2}, .initializer = ones_initializer()});
  Variable table = get_variable("table", {.shape = Shape{5, 2},
                                          .initializer = random_uniform_initializer(),
                                          .partitioner = fixed_size_partitioner(2)});
  Operation train = train::AdamOptimizer(0.1).minimize(reduce_sum(square(w)), {}, {w});
};

TEST_F(CheckpointTest, ASaverRestoresValuesSlotsAndPartsIntoAnotherServer) {
  for (const char* name : {"m.ckpt", "m.safetensors", "m.npz"}) {
    const ServerProcess from;
    std::string path;
    Tensor w;
    Tensor m;
    Tensor part;
    {
      Graph graph(from.target());
      const auto use = graph.as_default();
      Model model;
      train::Saver saver;
      Session session;
      for (int i = 0; i < 3; ++i) session.run(model.train);
      path = saver.save(session, folder_ + "/" + name, 3);
      w = session.read("model/w");
      m = session.read("model/w/Adam");
      part = session.read("table/part_1");
    }
    EXPECT_THAT(path, HasSubstr("-3"));
    EXPECT_EQ(train::latest_checkpoint(folder_), path);
    const ServerProcess to;
    Graph graph(to.target());
    const auto use = graph.as_default();
    Model model;
    const train::Saver saver;
    Session session;
    saver.restore(session, path);
    EXPECT_TRUE(BytesEqual(session.read("model/w"), w));
    EXPECT_TRUE(BytesEqual(session.read("model/w/Adam"), m));
    EXPECT_TRUE(BytesEqual(session.read("table/part_1"), part));
    EXPECT_FLOAT_EQ(session.read("beta1_power").scalar<float>(), 0.9F * 0.9F * 0.9F * 0.9F);
  }
}

TEST_F(CheckpointTest, RestoringGoesOnAsIfNothingHadHappened) {
  const auto run = [&](bool interrupted) {
    ServerProcess server;
    const std::string path = folder_ + "/m.ckpt";
    {
      Graph graph(server.target());
      const auto use = graph.as_default();
      Model model;
      Session session;
      for (int i = 0; i < 3; ++i) session.run(model.train);
      if (!interrupted) {
        for (int i = 0; i < 3; ++i) session.run(model.train);
        return session.read("model/w");
      }
      train::Saver().save(session, path);
    }
    server.Kill();
    server.Restart();  // empty
    Graph graph(server.target());
    const auto use = graph.as_default();
    Model model;
    Session session;
    train::Saver().restore(session, path);
    for (int i = 0; i < 3; ++i) session.run(model.train);
    return session.read("model/w");
  };
  EXPECT_TRUE(BytesEqual(run(false), run(true)));
}

// A program may correct its optimizer in the same graph, and a schedule is no number.
TEST_F(CheckpointTest, AnOptimizerWhosePushesAreRefusedIsNoReasonNotToRestore) {
  const ServerProcess server;
  Graph graph(server.target());
  const auto use = graph.as_default();
  const Model model;
  const Output rate = placeholder(DType::kFloat32, Shape{});
  const auto minimize = [&](const train::Optimizer& optimizer, const Variable& variable) {
    return optimizer.minimize(reduce_sum(square(variable)), {}, {variable});
  };
  const Operation refused = minimize(train::AdamOptimizer(0.1, {.beta1 = 2}), model.w);
  const Operation scheduled =
      minimize(train::AdamOptimizer(rate, {.beta1 = rate, .name = "Scheduled"}), model.w);
  Session session;
  session.run(model.train);
  session.run(scheduled, {{rate, Tensor::Scalar(0.5F)}});
  EXPECT_THROW(session.run(refused), InvalidArgumentError);
  const Tensor before = session.read("model/w/Adam");
  train::Saver saver;
  const std::string path = saver.save(session, folder_ + "/m.ckpt");
  session.run(model.train);
  saver.restore(session, path);
  EXPECT_TRUE(std::ranges::equal(session.read("model/w/Adam").bytes(), before.bytes()));
  session.run(scheduled, {{rate, Tensor::Scalar(0.5F)}});
}

TEST_F(CheckpointTest, MissingKeysAndOtherShapesChangeNothing) {
  const ServerProcess server;
  Graph graph(server.target());
  const auto use = graph.as_default();
  const Variable a = get_variable("a", {.shape = Shape{2}, .initializer = zeros_initializer()});
  const Variable b = get_variable("b", {.shape = Shape{3}, .initializer = ones_initializer()});
  Session session;
  const std::string path =
      train::Saver(std::map<std::string, Variable>{{"a", b}}).save(session, folder_ + "/x.npz");
  try {
    train::Saver({a, b}).restore(session, path);
    ADD_FAILURE();
  } catch (const NotFoundError& error) {
    EXPECT_THAT(error.message(), HasSubstr("Key b not found in checkpoint"));
  }
  try {
    train::Saver({a}).restore(session, path);
    ADD_FAILURE();
  } catch (const InvalidArgumentError& error) {
    EXPECT_THAT(error.message(), HasSubstr("lhs shape= (2,) rhs shape= (3,)"));
  }
  EXPECT_EQ(Summarize(session.run(a)), "[0 0]");
  EXPECT_THROW(train::Saver({a}).restore(session, folder_ + "/nothing"), NotFoundError);
}

TEST_F(CheckpointTest, ASaverKeepsTheLastFew) {
  const ServerProcess server;
  Graph graph(server.target());
  const auto use = graph.as_default();
  get_variable("a", {.shape = Shape{2}, .initializer = zeros_initializer()});
  Session session;
  train::Saver saver(train::SaverOptions{.max_to_keep = 2});
  for (int step = 1; step <= 4; ++step) saver.save(session, folder_ + "/m.ckpt", step);
  EXPECT_THAT(saver.last_checkpoints(), ElementsAre(folder_ + "/m.ckpt-3", folder_ + "/m.ckpt-4"));
  EXPECT_FALSE(fs::exists(folder_ + "/m.ckpt-2.index"));
  EXPECT_TRUE(fs::exists(folder_ + "/m.ckpt-3.index"));
}

TEST_F(CheckpointTest, ASaveUnderLoadIsOneConsistentSet) {
  const ServerProcess server;
  Graph graph(server.target());
  const auto use = graph.as_default();
  const Variable a = get_variable("a", {.shape = Shape{1000}, .initializer = zeros_initializer()});
  const Variable b = get_variable("b", {.shape = Shape{1000}, .initializer = zeros_initializer()});
  Session session;
  train::Saver saver;
  const std::vector<Fetch> both = {a.assign_add(ones({1000})).op(),
                                   b.assign_add(ones({1000})).op()};
  std::atomic<bool> stop = false;
  std::thread load([&] {
    while (!stop) session.run(both);
  });
  const Variable a2 = a;
  for (int i = 0; i < 20; ++i) {
    const std::string path = saver.save(session, folder_ + "/m.safetensors", i);
    const ServerProcess other;
    Graph copy(other.target());
    const auto use_copy = copy.as_default();
    ASSERT_EQ(other.Ctl({"import", path, "--create"}).code, 0);
    Session reader;
    EXPECT_TRUE(BytesEqual(reader.read("a"), reader.read("b")));
  }
  stop = true;
  load.join();
}

TEST_F(CheckpointTest, ExportAndImportByScopeUnderOtherNames) {
  const ServerProcess from;
  {
    Graph graph(from.target());
    const auto use = graph.as_default();
    Model model;
    Session session;
    session.run(model.train);
  }
  const std::string path = folder_ + "/out.safetensors";
  const Finished exported =
      from.Ctl({"export", path, "--scope", "model", "--rename", "model=encoder", "--no-slots"});
  EXPECT_THAT(exported.output, HasSubstr("wrote 1 tensors, 16 bytes")) << exported.error;
  const ServerProcess to;
  {
    Graph graph(to.target());
    const auto use = graph.as_default();
    get_variable("student/w", {.shape = Shape{2, 2}, .initializer = zeros_initializer()});
  }
  const Finished imported = to.Ctl({"import", path, "--rename", "student=encoder"});
  EXPECT_THAT(imported.output, HasSubstr("assigned 1 tensors")) << imported.error;
  Graph graph(to.target());
  const auto use = graph.as_default();
  EXPECT_NE(Session().read("student/w").data<float>()[0], 0);
  const Finished nothing = to.Ctl({"import", path});
  EXPECT_EQ(nothing.code, 1);
  EXPECT_THAT(nothing.error, HasSubstr("encoder/w: the store has no such variable"));
  EXPECT_EQ(to.Ctl({"import", folder_ + "/nothing.npz"}).code, 1);
  EXPECT_EQ(to.Ctl({"export", path, "--scope", "nothing"}).code, 1);
  EXPECT_EQ(to.Ctl({"export", path, "--rename", "nonsense"}).code, 2);
}

// A file of NumPy's with arrays that varscope cannot hold: object, c8, text, record, time.
const std::string kNumpy = std::string(VARSCOPE_CHECKPOINTS) + "/numpy.npz";
const std::string kTensorFlow2 = std::string(VARSCOPE_CHECKPOINTS) + "/tf2.ckpt";

TEST_F(CheckpointTest, WhatIsNotAskedForDoesNotMatter) {
  const ServerProcess server;
  const Finished scoped = server.Ctl({"import", kNumpy, "--create", "--scope", "f4be_fortran"});
  EXPECT_EQ(scoped.output, "assigned 1 tensors, 24 bytes, from " + kNumpy + "\n");
  EXPECT_EQ(scoped.error, "");
  Graph graph(server.target());
  const auto use = graph.as_default();
  Session session;
  EXPECT_THAT(session.read("f4be_fortran").values<float>(), ElementsAre(0, 1, 2, 3, 4, 5));
  const Finished all = server.Ctl({"import", kNumpy, "--create"});
  EXPECT_EQ(all.code, 0) << all.error;
  EXPECT_THAT(all.output, HasSubstr("assigned 54 tensors"));
  for (const char* name : {"object", "c8", "text", "record", "time"}) {
    EXPECT_THAT(all.error, HasSubstr(std::string("array '") + name + "' has dtype"));
    EXPECT_THROW(session.read(name), NotFoundError);
  }
  EXPECT_THAT(session.read("u2be").values<uint16_t>(), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST_F(CheckpointTest, WhatIsAskedForAndCannotBeHeldChangesNothing) {
  const ServerProcess server;
  Graph graph(server.target());
  const auto use = graph.as_default();
  Session session;
  const Finished named =
      server.Ctl({"import", kNumpy, "--create", "--scope", "f4le", "--scope", "object"});
  EXPECT_EQ(named.code, 1);
  EXPECT_THAT(named.error, HasSubstr("array 'object' has dtype '|O', which varscope has not"));
  EXPECT_THROW(session.read("f4le"), NotFoundError);
  // The store would keep an old value in silence.
  get_variable("c8", {.shape = Shape{1}, .initializer = zeros_initializer()});
  const Finished known = server.Ctl({"import", kNumpy, "--create"});
  EXPECT_EQ(known.code, 1);
  EXPECT_THAT(known.error, HasSubstr("array 'c8' has dtype"));
  EXPECT_THROW(session.read("f4le"), NotFoundError);
  const std::string twice = std::string(VARSCOPE_CHECKPOINTS) + "/twice.npz";
  EXPECT_THAT(server.Ctl({"import", twice, "--create"}).error,
              HasSubstr("is damaged: array 'w' is there twice"));
}

TEST_F(CheckpointTest, CheckpointsOfTensorFlow2) {
  const ServerProcess server;
  const Finished all = server.Ctl({"import", kTensorFlow2, "--create"});
  EXPECT_EQ(all.code, 0) << all.error;
  EXPECT_THAT(all.error, HasSubstr("'_CHECKPOINTABLE_OBJECT_GRAPH' has dtype string"));
  const Finished one = server.Ctl({"import", kTensorFlow2, "--create", "--scope", "w", "--rename",
                                   "w=w/.ATTRIBUTES/VARIABLE_VALUE"});
  EXPECT_EQ(one.code, 0) << one.error;
  Graph graph(server.target());
  const auto use = graph.as_default();
  Session session;
  for (const char* name : {"w", "w/.ATTRIBUTES/VARIABLE_VALUE"}) {
    EXPECT_THAT(session.read(name).values<float>(), ElementsAre(1, 2, 3, 4, 5, 6));
  }
}

TEST_F(CheckpointTest, ASaverReadsItsOwnNamesAlone) {
  const ServerProcess server;
  Graph graph(server.target());
  const auto use = graph.as_default();
  const Variable w =
      get_variable("f4le", {.shape = Shape{2, 3}, .initializer = zeros_initializer()});
  Session session;
  train::Saver({w}).restore(session, kNumpy);
  EXPECT_THAT(session.run(w).values<float>(), ElementsAre(0, 1, 2, 3, 4, 5));
  const train::Saver other(std::map<std::string, Variable>{{"object", w}});
  EXPECT_THROW(other.restore(session, kNumpy), InvalidArgumentError);
  train::Saver(std::map<std::string, Variable>{{"w/.ATTRIBUTES/VARIABLE_VALUE", w}})
      .restore(session, kTensorFlow2);
  EXPECT_THAT(session.run(w).values<float>(), ElementsAre(1, 2, 3, 4, 5, 6));
}

}  // namespace
}  // namespace varscope::testing
