// Texts about many workers that stay short.
#include "server/membership/some_names.h"

#include <gtest/gtest.h>

#include <string>

namespace varscope::server {
namespace {

TEST(SomeNamesTest, FewAreAllNamed) {
  SomeNames names;
  EXPECT_EQ(names.Join(", "), "");
  names.Add([] { return std::string("a"); });
  names.Add([] { return std::string("b"); });
  EXPECT_EQ(names.Join(", "), "a, b");
  EXPECT_EQ(names.size(), 2U);
}

TEST(SomeNamesTest, OfManyTheFirstAreNamedAndOthersAreNotEvenMade) {
  SomeNames names;
  size_t made = 0;
  for (int i = 0; i < 1000; ++i) {
    names.Add([&] {
      ++made;
      return std::string(1, 'x');
    });
  }
  EXPECT_EQ(made, SomeNames::kMost);
  EXPECT_EQ(names.size(), 1000U);
  EXPECT_EQ(names.Join("; "), "x; x; x; x; x; x; x; x; 992 others");
}

}  // namespace
}  // namespace varscope::server
