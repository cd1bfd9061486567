// Names of ops, scopes, variables and workers.
#include "proto/naming/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace varscope {
namespace {

using ::testing::HasSubstr;

TEST(NamesTest, OpNamesAreTensorFlows) {
  for (const char* good : {"a", "A.b", ".a", "a/b/c_1", "1", "a\\b", "a>b", "a-b"}) {
    EXPECT_TRUE(IsValidOpName(good)) << good;
  }
  for (const char* bad : {"", "_a", "-a", "/a", "a b", "a:0", "a\n", "\xc3\xa9"}) {
    EXPECT_FALSE(IsValidOpName(bad)) << bad;
  }
  EXPECT_TRUE(IsValidScopeName("_a"));
  EXPECT_TRUE(IsValidScopeName(""));
}

TEST(NamesTest, ErrorsQuoteNamesSafely) {
  EXPECT_EQ(ValidateVariableName(std::string(1024, 'x')), absl::OkStatus());
  const std::string text(ValidateVariableName(std::string(5000, 'x') + "\n").message());
  EXPECT_LT(text.size(), 200U);
  EXPECT_EQ(Printable("a\x01\xff"), "a\\x01\\xff");
  EXPECT_EQ(Printable(std::string(70, 'y')), std::string(64, 'y') + "...");
}

// Of every character, and of what is none (RFC 3629).
TEST(NamesTest, OnlyWhatIsNotUtf8IsEscaped) {
  for (const std::string text :
       {"", "plain \n\\", "gr\u00f6\u00dfe", "\u0800\ue000\uffff", "\U00010000\U0010ffff"}) {
    EXPECT_EQ(Utf8(text), text);
  }
  EXPECT_EQ(Utf8("/data-\xe9\xff/log"), "/data-\\xe9\\xff/log");
  EXPECT_EQ(Utf8("a\xc3"), "a\\xc3");                                    // cut short
  EXPECT_EQ(Utf8("\xc0\xaf\xe0\x80\xaf"), "\\xc0\\xaf\\xe0\\x80\\xaf");  // longer than needed
  EXPECT_EQ(Utf8("\xed\xa0\x80"), "\\xed\\xa0\\x80");                    // a surrogate
  EXPECT_EQ(Utf8("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");           // above U+10FFFF
  for (int first = 0x80; first < 0x100; ++first) {
    for (int second = 0; second < 0x100; ++second) {
      const std::string text = {static_cast<char>(first), static_cast<char>(second), 'x'};
      const std::string sent = Utf8(text);
      EXPECT_EQ(Utf8(sent), sent);
      const bool is_character = first >= 0xc2 && first < 0xe0 && (second & 0xc0) == 0x80;
      EXPECT_EQ(sent == text, is_character) << first << " " << second;
    }
  }
}

TEST(NamesTest, ANameThatWasMadeUniqueIsMadeOfTheOther) {
  for (const char* made : {"w", "w_1", "w_20", "w_1_2", "w_10_1_3"}) {
    EXPECT_TRUE(IsMadeOf("w", made)) << made;
  }
  for (const char* other : {"", "v", "w_", "w_0", "w_01", "w_1_", "w__1", "w_x", "w_1x", "w1",
                            "w_1/w", "w/w_1", "_1", "w_-1"}) {
    EXPECT_FALSE(IsMadeOf("w", other)) << other;
  }
  EXPECT_FALSE(IsMadeOf("w_1", "w"));
  EXPECT_TRUE(IsMadeOf("a/w_1", "a/w_1_1"));
}

TEST(NamesTest, AGroupHasWhatIsUnderItsPrefixAndWhatIsMadeOfIt) {
  const std::vector<std::string> prefixes = {"", "emb", "emb_2", "model", "model/emb"};
  const auto group = [&](const std::string& name) {
    return *FindGroupOf(
        prefixes, [](absl::string_view prefix) { return prefix; }, name);
  };
  EXPECT_EQ(group("emb"), "emb");
  EXPECT_EQ(group("emb_1"), "emb");
  EXPECT_EQ(group("emb/w_1"), "emb");
  EXPECT_EQ(group("emb_2"), "emb_2") << "that is said of it itself";
  EXPECT_EQ(group("emb_2_1"), "emb_2");
  EXPECT_EQ(group("emb_1/w"), "") << "another scope";
  EXPECT_EQ(group("embed"), "");
  EXPECT_EQ(group("model/w"), "model");
  EXPECT_EQ(group("model/emb_1"), "model/emb");
}

TEST(NamesTest, WorkerIds) {
  EXPECT_TRUE(ValidateWorkerId("host-1/7").ok());
  EXPECT_FALSE(ValidateWorkerId("").ok());
  EXPECT_FALSE(ValidateWorkerId("two words").ok());
  EXPECT_TRUE(ValidateWorkerId(std::string(256, 'w')).ok());
  EXPECT_FALSE(ValidateWorkerId(std::string(257, 'w')).ok());
}

TEST(NamesTest, AVariableIsNamedByItsValueToo) {
  EXPECT_EQ(*VariableOf("model/w"), "model/w");
  EXPECT_EQ(*VariableOf("model/w:0"), "model/w");
  for (const char* bad : {"w:1", "w:", "w:00", "w:0:0", "w: 0"}) {
    EXPECT_THAT(std::string(VariableOf(bad).status().message()), HasSubstr("'w:0'")) << bad;
  }
}

}  // namespace
}  // namespace varscope
