// Which keys are known, and as whose.
#include "server/auth/session_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace varscope::server {
namespace {

using ::testing::HasSubstr;

TEST(SessionKeysTest, AKeyIsItsCallers) {
  const SessionKeys keys;
  for (const char* id : {"w", "another worker", "\xc3\xa4/\x01"}) {
    for (const uint64_t incarnation : {uint64_t{1}, uint64_t{77}, UINT64_MAX}) {
      for (const Sharing sharing : {Sharing::kGlobal, Sharing::kReplicated}) {
        const auto caller = keys.Identify(keys.Make({id, incarnation, sharing, ~incarnation}));
        ASSERT_TRUE(caller.ok()) << caller.status();
        EXPECT_EQ(caller->worker_id, id);
        EXPECT_EQ(caller->incarnation, incarnation);
        EXPECT_EQ(caller->sharing, sharing);
        EXPECT_EQ(caller->nonce, ~incarnation);
      }
    }
  }
}

TEST(SessionKeysTest, WithoutAKeyACallerIsNoWorker) {
  const auto nobody = SessionKeys().Identify("");
  ASSERT_TRUE(nobody.ok());
  EXPECT_FALSE(nobody->is_worker());
  EXPECT_EQ(Who(*nobody), "");
}

// Whatever is changed of a key, it is none.
TEST(SessionKeysTest, NoOtherBytesAreAKey) {
  const SessionKeys keys;
  const std::string key = keys.Make({"worker-1", 5});
  for (size_t bit = 0; bit < 8 * key.size(); ++bit) {
    std::string other = key;
    other[bit / 8] = static_cast<char>(other[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_TRUE(absl::IsUnauthenticated(keys.Identify(other).status())) << bit;
  }
  for (size_t size = 1; size < key.size(); ++size) {
    EXPECT_TRUE(absl::IsUnauthenticated(keys.Identify(key.substr(0, size)).status())) << size;
  }
  EXPECT_TRUE(absl::IsUnauthenticated(keys.Identify(key + "0").status()));
}

TEST(SessionKeysTest, AnotherSecretsKeysAreNotKnown) {
  const std::string secret = SessionKeys::NewSecret();
  EXPECT_EQ(secret.size(), SessionKeys::kSecretBytes);
  const SessionKeys keys(secret);
  const std::string key = keys.Make({"w", 1});
  EXPECT_TRUE(SessionKeys(secret).Identify(key).ok());
  const absl::Status status = SessionKeys().Identify(key).status();
  EXPECT_TRUE(absl::IsUnauthenticated(status));
  EXPECT_THAT(status.message(), HasSubstr("worker 'w' is not connected: it never was, or the "
                                          "server lost its state in a restart"));
}

TEST(SessionKeysTest, SecretsDiffer) {
  std::set<std::string> secrets;
  for (int i = 0; i < 100; ++i) secrets.insert(SessionKeys::NewSecret());
  EXPECT_EQ(secrets.size(), 100U);
}

}  // namespace
}  // namespace varscope::server
