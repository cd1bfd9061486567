// What --sync may say.
#include "server/sync/group_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/status/statusor.h"
#include "proto/naming/names.h"

namespace varscope::server {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

GroupOptions Options(const std::string& text) { return ParseGroup(text).value(); }

TEST(GroupOptionsTest, ReadsWhatTheDocumentationShows) {
  const GroupOptions bsp = Options("model/dense=bsp:workers=4,backup=1,deadline=500ms");
  EXPECT_EQ(bsp.prefix, "model/dense");
  EXPECT_EQ(bsp.workers, 4U);
  EXPECT_EQ(bsp.backup, 1U);
  EXPECT_EQ(bsp.deadline, std::chrono::milliseconds(500));
  EXPECT_EQ(Options("async").mode, SyncMode::kAsync);
  EXPECT_EQ(Options("ssp:bound=3").bound, 3U);
  const GroupOptions local = Options("local:steps=50,fragments=5,outer_momentum=0.8");
  EXPECT_EQ(local.local_steps, 50U);
  EXPECT_EQ(local.fragments, 5U);
  EXPECT_EQ(local.outer_momentum, 0.8);
  EXPECT_EQ(Options("bsp:aggregate=krum/2").byzantine, 2U);
}

TEST(GroupOptionsTest, ARobustStepHasAsManyPushesAsItsPromiseNeeds) {
  const auto quorum = [](const std::string& text) { return Options(text).quorum; };
  EXPECT_EQ(quorum("bsp:aggregate=trimmed_mean/2"), 5U);
  EXPECT_EQ(quorum("bsp:aggregate=krum/2"), 7U);
  EXPECT_EQ(quorum("bsp:aggregate=median"), 3U);
  EXPECT_EQ(quorum("bsp:aggregate=median,workers=8"), 7U);
  EXPECT_EQ(quorum("bsp:aggregate=median,workers=8,backup=2"), 5U);
  EXPECT_EQ(quorum("bsp:aggregate=median,workers=8,quorum=4"), 4U);
  EXPECT_EQ(quorum("bsp:aggregate=trimmed_mean/1,workers=8,quorum=4"), 4U);
  EXPECT_EQ(Options("bsp:aggregate=krum/1,backup=1").workers, 6U);
  // Who says how many there are means no more.
  EXPECT_TRUE(Options("bsp:aggregate=krum/1,workers=6").closed);
  EXPECT_FALSE(Options("bsp:aggregate=krum/1").closed);
  EXPECT_FALSE(Options("bsp:workers=6").closed);
  const auto error = [](const std::string& text) {
    return std::string(ParseGroup(text).status().message());
  };
  EXPECT_THAT(error("bsp:aggregate=trimmed_mean/1,workers=2"),
              HasSubstr("workers without backup must be at least 3, so that 1 of a step's pushes"));
  EXPECT_THAT(error("bsp:aggregate=krum/1,workers=5,backup=1"), HasSubstr("at least 5"));
  EXPECT_THAT(error("bsp:aggregate=median,workers=2"), HasSubstr("at least 3"));
  EXPECT_THAT(error("bsp:aggregate=median,workers=5,quorum=2"), HasSubstr("quorum must be"));
  EXPECT_THAT(error("bsp:aggregate=krum/4000000000"), HasSubstr("makes no sense"));
}

TEST(GroupOptionsTest, TheOuterOptimizerHasTheRangesOfTheOthers) {
  EXPECT_THAT(std::string(ParseGroup("local:outer_momentum=1.5").status().message()),
              HasSubstr("Momentum: momentum is 1.5; allowed is [-1, 1]"));
  EXPECT_FALSE(ParseGroup("local:outer_learning_rate=1e39").ok());
  EXPECT_TRUE(ParseGroup("local:outer_momentum=1,outer_learning_rate=0").ok());
}

TEST(GroupOptionsTest, NumbersThatNoGroupCanHaveAreRefused) {
  const auto error = [](const std::string& text) {
    return std::string(ParseGroup(text).status().message());
  };
  for (const std::string key : {"workers", "backup", "quorum", "steps", "fragments"}) {
    for (const std::string number :
         {"4294967295", "4294967296", "18446744073709551616", "2000000000", "-1", "1.5", ""}) {
      const std::string setting = key + "=" + number;
      EXPECT_THAT(error("local:" + setting),
                  AllOf(HasSubstr("'" + setting + "' makes no sense"), HasSubstr("a number from")));
    }
  }
  EXPECT_THAT(error("bsp:workers=100001"), HasSubstr("a number from 1 to 100000"));
  EXPECT_TRUE(ParseGroup("bsp:workers=100000,backup=99999").ok());
  EXPECT_THAT(error("bsp:workers=4,backup=4"), HasSubstr("backup must be less than workers"));
  EXPECT_THAT(error("bsp:workers=4,backup=100000"), HasSubstr("backup must be less than workers"));
  EXPECT_THAT(error("bsp:workers=4,backup=4294967295"), HasSubstr("makes no sense"));
  EXPECT_THAT(error("bsp:aggregate=krum/100000"), HasSubstr("at most 100000"));
  EXPECT_THAT(error("bsp:aggregate=median,backup=100000"), HasSubstr("at most 100000"));
  for (const std::string number :
       {"4611686018427387905", "18446744073709551615", "18446744073709551616", "-1", "1.5", ""}) {
    const std::string setting = "max_staleness=" + number;
    EXPECT_THAT(error("async:" + setting),
                HasSubstr("'" + setting + "' makes no sense: max_staleness takes a number from 0 " +
                          "to 4611686018427387904"));
  }
  EXPECT_EQ(Options("async:max_staleness=4611686018427387904").max_staleness, uint64_t{1} << 62);
  EXPECT_EQ(Options("async:max_staleness=0").max_staleness, 0U);
  EXPECT_FALSE(ParseGroup("bsp:deadline=86401s").ok());
  EXPECT_FALSE(ParseGroup("bsp:deadline=86400001ms").ok());
  EXPECT_TRUE(ParseGroup("bsp:deadline=86400s").ok());
}

// 0 is none, or makes nothing of all gradients: nobody means that who says more than 0.
TEST(GroupOptionsTest, WhatIsMoreThanZeroStaysSo) {
  for (const std::string key : {"clip_norm", "outer_learning_rate", "outer_momentum"}) {
    for (const char* const small :
         {"1e-400", "1e-320", "9e-31", "0.1e-9999", "0.0000000000000000000000000000000001"}) {
      EXPECT_THAT(std::string(ParseGroup("local:" + key + "=" + small).status().message()),
                  HasSubstr(key + " takes 0, or a number from 1e-30 on"))
          << small;
    }
    for (const char* const none : {"0", "0.0", "0e-7", ".0"}) {
      EXPECT_TRUE(ParseGroup("local:" + key + "=" + none).ok()) << key << none;
    }
    for (const char* const wrong : {"-1", "-1e-400", "nan", "inf", "1e400", "", "one"}) {
      EXPECT_FALSE(ParseGroup("local:" + key + "=" + wrong).ok()) << key << wrong;
    }
    EXPECT_TRUE(ParseGroup("local:" + key + "=1e-30").ok()) << key;
    EXPECT_TRUE(ParseGroup("local:" + key + "=1").ok()) << key;
  }
}

// What is accepted applies to some name that a variable may have.
TEST(GroupOptionsTest, APrefixIsThatOfSomeVariable) {
  for (const char* const same : {"model", "model/", "model///"}) {
    EXPECT_EQ(Options(std::string(same) + "=bsp").prefix, "model") << same;
  }
  EXPECT_EQ(Options("model/dense/=bsp:workers=2").prefix, "model/dense");
  EXPECT_EQ(Options("model/dense/=bsp:workers=2").spec, "bsp:workers=2");
  EXPECT_EQ(Options("a//b=bsp").prefix, "a//b") << "a variable may be called so";
  EXPECT_EQ(Options(std::string(kMaxNameBytes, 'n') + "=bsp").prefix.size(), kMaxNameBytes);
  const auto error = [](const std::string& text) {
    return std::string(ParseGroup(text).status().message());
  };
  for (const char* const none : {"=bsp", "/=bsp", "//=bsp:workers=2"}) {
    EXPECT_THAT(error(none), HasSubstr("is the prefix of no variable")) << none;
  }
  for (const char* const bad :
       {"/model=bsp", "_model=bsp", "-m=bsp", "mo del=bsp", "m*=bsp", "model =bsp", " model=bsp"}) {
    EXPECT_NE(error(bad), "") << bad;
  }
  EXPECT_THAT(error("/model=bsp"), AllOf(HasSubstr("'/model=bsp'"), HasSubstr("not a valid")));
  EXPECT_THAT(error(std::string(kMaxNameBytes + 1, 'n') + "=bsp"), HasSubstr("at most 1024"));
}

TEST(GroupOptionsTest, SaysWhatIsWrong) {
  const auto error = [](const std::string& text) {
    return std::string(ParseGroup(text).status().message());
  };
  EXPECT_THAT(error("bps"), HasSubstr("'bps' is none of async, bsp, ssp, local"));
  EXPECT_THAT(error("bsp:bound=3"), HasSubstr("'bound' is none of aggregate, backup"));
  EXPECT_THAT(error("bsp:workers=0"), HasSubstr("'workers=0' makes no sense"));
  EXPECT_THAT(error("bsp:workers=many"), HasSubstr("'workers=many' makes no sense"));
  EXPECT_THAT(error("bsp:aggregate=median/1"), HasSubstr("makes no sense"));
  EXPECT_THAT(error("bsp:deadline=5"), HasSubstr("makes no sense"));
  EXPECT_THAT(error("local:steps=10,fragments=3"), HasSubstr("multiple of fragments"));
  EXPECT_FALSE(ParseGroup("bad name=bsp").ok());
  EXPECT_FALSE(ParseGroup("").ok());
}

}  // namespace
}  // namespace varscope::server
