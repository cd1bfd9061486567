// Which word programs offer for one that they do not know.
#include "proto/tensor/nearest.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace varscope {
namespace {

TEST(NearestTest, FewMistakesAreForgiven) {
  const std::vector<std::string> known = {"list",     "describe",  "workers",
                                          "snapshot", "snapshots", "data-dir"};
  EXPECT_EQ(Nearest("lst", known), "list");
  EXPECT_EQ(Nearest("lits", known), "list");
  EXPECT_EQ(Nearest("snapshto", known), "snapshot");
  EXPECT_EQ(Nearest("data-dri", known), "data-dir");
  EXPECT_EQ(Nearest("data_dir", known), "data-dir");
  EXPECT_EQ(Nearest("desc", known), "describe");
  EXPECT_EQ(Nearest("explode", known), "");
  EXPECT_EQ(Nearest("", known), "");
  EXPECT_EQ(Nearest("x", {}), "");
  EXPECT_EQ(DidYouMean(""), "");
}

// Every word with one mistake is nearest to itself, when the others are far.
TEST(NearestTest, EveryMistakeOfOneLetterIsFound) {
  const std::vector<std::string> known = {"max-store-bytes", "grace-seconds", "durability"};
  for (const std::string& word : known) {
    for (size_t at = 0; at < word.size(); ++at) {
      std::vector<std::string> mistakes = {word, word, word, word};
      mistakes[0].erase(at, 1);
      mistakes[1].insert(at, "x");
      mistakes[2][at] = 'x';
      std::swap(mistakes[3][at], mistakes[3][at + 1 < word.size() ? at + 1 : at - 1]);
      for (const std::string& mistake : mistakes) EXPECT_EQ(Nearest(mistake, known), word);
    }
  }
}

}  // namespace
}  // namespace varscope
