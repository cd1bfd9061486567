// Headers of NumPy's arrays: taken and refused as NumPy does.
#include "client/checkpoint/npy_header.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "varscope/errors.h"

namespace varscope::checkpoint {
namespace {

using ::testing::ElementsAre;

TEST(NpyHeaderTest, TakesWhatNumPyTakes) {
  const std::vector<std::string> texts = {
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }          \n",
      "{'shape':(2,3),'fortran_order':False,'descr':'<f4'}",
      "{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (2L, 3L)}",
      " { 'descr' : '<f4' ,\n'fortran_order' : False , 'shape' : ( 2 , 3 , ) } "};
  for (const std::string& text : texts) {
    const std::optional<NpyHeader> header = ParseNpyHeader(text);
    ASSERT_TRUE(header) << text;
    EXPECT_EQ(header->descr, "<f4");
    EXPECT_FALSE(header->fortran_order);
    EXPECT_THAT(header->shape, ElementsAre(2, 3));
  }
  const auto shape = [](const std::string& text) {
    return ParseNpyHeader("{'descr': '<f4', 'fortran_order': True, 'shape': " + text + "}");
  };
  EXPECT_TRUE(shape("()")->shape.empty());
  EXPECT_TRUE(shape("()")->fortran_order);
  EXPECT_THAT(shape("(4,)")->shape, ElementsAre(4));
  for (const char* wrong : {"(4)", "4", "[4]", "(-4,)", "(4.0,)", "(4,,)", "(,)", "(4", "(4 5)",
                            "('4',)", "(99999999999999999999,)", "(04,)", "(None,)", "None"}) {
    EXPECT_FALSE(shape(wrong)) << wrong;
  }
}

TEST(NpyHeaderTest, RefusesWhatNumPyRefuses) {
  const std::string good = "'descr': '<f4', 'fortran_order': False, 'shape': (2,)";
  EXPECT_TRUE(ParseNpyHeader("{" + good + "}"));
  const std::vector<std::string> wrong = {
      "",
      "{",
      "{}",
      "[" + good + "]",
      "{" + good,
      "{" + good + "} x",
      "{" + good + ", 'more': 1}",
      "{" + good + ", 'shape': (2,)}",
      "{" + good + ",,}",
      "{," + good + "}",
      "{'descr': '<f4', 'fortran_order': False}",
      "{'descr': '<f4', 'shape': (2,)}",
      "{'fortran_order': False, 'shape': (2,)}",
      "{'descr': '<f4', 'fortran_order': 'False', 'shape': (2,)}",
      "{'descr': '<f4', 'fortran_order': None, 'shape': (2,)}",
      "{'descr': , 'fortran_order': False, 'shape': (2,)}",
      "{'descr': '<f4, 'fortran_order': False, 'shape': (2,)}",
      "{'descr': ['a', 'fortran_order': False, 'shape': (2,)}",
      "{'descr': ('a'], 'fortran_order': False, 'shape': (2,)}",
      "{'descr' '<f4', 'fortran_order': False, 'shape': (2,)}",
      "{descr: '<f4', 'fortran_order': False, 'shape': (2,)}"};
  for (const std::string& text : wrong) EXPECT_FALSE(ParseNpyHeader(text)) << text;
  // Cut anywhere, it is none, and whatever is changed in it, nothing crashes.
  const std::string whole =
      "{'descr': [('a', '<f4', (2,))], 'fortran_order': False, 'shape': (2,)}";
  ASSERT_TRUE(ParseNpyHeader(whole));
  std::mt19937 random(1);
  for (size_t at = 0; at < whole.size(); ++at) {
    EXPECT_FALSE(ParseNpyHeader(whole.substr(0, at))) << at;
    for (int i = 0; i < 50; ++i) {
      std::string changed = whole;
      changed[at] = static_cast<char>(random());
      ParseNpyHeader(changed);
    }
  }
}

}  // namespace
}  // namespace varscope::checkpoint
