// The article's five programs, against a remote server, with the names that it prints.
#include <gtest/gtest.h>

#include "tests/support/server_process.h"
#include "varscope/varscope.h"

namespace varscope {
namespace {

class ArticleTest : public ::testing::Test {
 protected:
  testing::ServerProcess server_;
  Graph graph_{server_.target(), {.worker_id = "reader"}};
  ScopeGuard use_ = graph_.as_default();
};

TEST_F(ArticleTest, NameScopeDoesNotReachGetVariableAndVariableRenamesItself) {
  Variable var1, var3, var4;
  {
    name_scope scope("name_scope_x");
    var1 = get_variable("var1", {1}, float32);
    var3 = Variable({2}, {.name = "var2", .dtype = float32});
    var4 = Variable({2}, {.name = "var2", .dtype = float32});
  }
  Session sess;
  sess.run(global_variables_initializer());
  EXPECT_EQ(var1.name(), "var1:0");
  EXPECT_EQ(var3.name(), "name_scope_x/var2:0");
  EXPECT_EQ(var4.name(), "name_scope_x/var2_1:0");
  // One value of glorot_uniform for the shape [1]: within sqrt(6 / (1 + 1)).
  EXPECT_LE(std::abs(sess.run(var1).scalar<float>()), std::sqrt(3.0F));
  EXPECT_EQ(sess.run(var3).scalar<float>(), 2);
  EXPECT_EQ(sess.run(var4).scalar<float>(), 2);
}

TEST_F(ArticleTest, GetVariableTwiceWithoutSharingIsAnError) {
  name_scope scope("name_scope_1");
  const int line = __LINE__ + 1;
  get_variable("var1", {1}, float32);
  try {
    get_variable("var1", {1}, float32);
    FAIL() << "the second var1 must be refused";
  } catch (const ValueError& error) {
    EXPECT_EQ(error.message(),
              "Variable var1 already exists, disallowed. Did you mean to set reuse=True or "
              "reuse=tf.AUTO_REUSE in VarScope?");
    const std::string first = std::string(__FILE__) + ":" + std::to_string(line);
    EXPECT_NE(std::string(error.what()).find("Originally defined"), std::string::npos)
        << error.what();
    EXPECT_NE(std::string(error.what()).find(first), std::string::npos) << error.what();
  }
}

TEST_F(ArticleTest, SharingWithReuseVariables) {
  Variable var1, var1_reuse, var2, var2_reuse;
  {
    variable_scope scope("variable_scope_y");
    var1 = get_variable("var1", {1}, float32);
    scope.reuse_variables();
    var1_reuse = get_variable("var1");
    var2 = Variable({2.}, {.name = "var2", .dtype = float32});
    var2_reuse = Variable({2.}, {.name = "var2", .dtype = float32});
  }
  Session sess;
  sess.run(global_variables_initializer());
  EXPECT_EQ(var1.name(), "variable_scope_y/var1:0");
  EXPECT_EQ(var1_reuse.name(), "variable_scope_y/var1:0");
  EXPECT_EQ(var2.name(), "variable_scope_y/var2:0");
  EXPECT_EQ(var2_reuse.name(), "variable_scope_y/var2_1:0");
  EXPECT_EQ(sess.run(var1).scalar<float>(), sess.run(var1_reuse).scalar<float>());
  EXPECT_EQ(sess.run(var2).scalar<float>(), 2);
  EXPECT_EQ(sess.run(var2_reuse).scalar<float>(), 2);
}

TEST_F(ArticleTest, SharingByNameAndByCapturedScope) {
  std::optional<VariableScope> foo_scope;
  Variable v;
  {
    variable_scope scope("foo");
    foo_scope = scope.scope();
    v = get_variable("v", {1});
  }
  {
    variable_scope scope("foo", {.reuse = Reuse::kTrue});
    const Variable v1 = get_variable("v");
    EXPECT_TRUE(v1 == v);
  }
  {
    variable_scope scope(*foo_scope, {.reuse = Reuse::kTrue});
    const Variable v1 = get_variable("v");
    EXPECT_TRUE(v1 == v);
  }
  EXPECT_EQ(global_variables().size(), 1U);
}

TEST_F(ArticleTest, BothScopesAtOnce) {
  variable_scope foo("foo");
  name_scope bar("bar");
  const Variable v = get_variable("v", {1});
  const Output x = 1.0 + v;
  EXPECT_EQ(v.name(), "foo/v:0");
  EXPECT_EQ(x.op().name(), "foo/bar/add");
  Session sess;
  const std::vector<Tensor> values = sess.run({v, x});
  EXPECT_EQ(values[1].scalar<float>(), 1.0F + values[0].scalar<float>());
}

// The article's GAN: one set of variables judges two inputs, and their gradients add up.
TEST_F(ArticleTest, ADiscriminatorAppliedTwiceSumsItsGradients) {
  const auto discriminator = [](const Output& x, Reuse reuse) {
    variable_scope scope("discriminator", {.reuse = reuse});
    return reduce_sum(multiply(get_variable("w", {2}), x));
  };
  const Output fake = constant({1, 2});
  const Output real = constant({10, 20});
  const Output on_fake = discriminator(fake, Reuse::kFalse);
  const Output on_real = discriminator(real, Reuse::kTrue);
  const Output loss = on_fake + on_real;
  ASSERT_EQ(trainable_variables("discriminator/").size(), 1U);
  const Variable w = trainable_variables().front();
  Session sess;
  const Tensor gradient = sess.run(gradients({loss}, {w}).front().values);
  EXPECT_EQ(gradient.data<float>()[0], 11);
  EXPECT_EQ(gradient.data<float>()[1], 22);

  const Tensor before = sess.run(w);
  sess.run(train::GradientDescentOptimizer(0.5).minimize(loss));
  const Tensor after = sess.run(w);
  EXPECT_FLOAT_EQ(after.data<float>()[0], before.data<float>()[0] - 5.5F);
  EXPECT_FLOAT_EQ(after.data<float>()[1], before.data<float>()[1] - 11.0F);
}

// The article's own order: the graph first, the session (and its server) afterwards.
TEST(ArticleUnconnectedTest, AGraphBuiltBeforeTheSessionResolvesWhenItConnects) {
  const testing::ServerProcess server;
  Graph graph;
  const auto use = graph.as_default();
  const Variable v = get_variable("v", {.shape = Shape{2}, .initializer = ones_initializer()});
  const Variable parts =
      get_variable("p", {.shape = Shape{4}, .partitioner = fixed_size_partitioner(2)});
  EXPECT_THROW(Session(), ValueError);
  Session sess(server.target());
  sess.run(global_variables_initializer());
  EXPECT_EQ(sess.run(v).data<float>()[1], 1);
  EXPECT_EQ(sess.run(parts).shape(), Shape{4});
  EXPECT_EQ(sess.read("p/part_1").shape(), Shape{2});

  Graph second;
  const auto use_second = second.as_default();
  get_variable("v", {2});
  try {
    Session refused(server.target());
    FAIL() << "v exists in the store";
  } catch (const ValueError& error) {
    EXPECT_NE(error.message().find("Variable v already exists"), std::string::npos);
  }
}

}  // namespace
}  // namespace varscope
