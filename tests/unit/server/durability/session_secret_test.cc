// A secret is the one that was written, or none.
#include "server/durability/session_secret.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "server/auth/session_keys.h"
#include "server/durability/file_names.h"
#include "tests/support/opened.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/server/durability/kept.h"

namespace varscope::server {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryDirectory;

TEST(SessionSecretTest, IsWhatWasWritten) {
  const TemporaryDirectory directory;
  EXPECT_EQ(ReadSessionSecret(*testing::Opened(directory.path())).value(), std::nullopt);
  for (int i = 0; i < 3; ++i) {
    const std::string secret = SessionKeys::NewSecret();
    ASSERT_TRUE(WriteSessionSecret(SystemEnv(), *testing::Opened(directory.path()), secret).ok());
    EXPECT_EQ(ReadSessionSecret(*testing::Opened(directory.path())).value(), secret);
  }
  const auto status = fs::status(directory / kSecretName);
  EXPECT_EQ(status.permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

// But for what a server of before wrote, which is as long as the secret.
TEST(SessionSecretTest, AnyOtherBytesAreDamage) {
  const TemporaryDirectory directory;
  const fs::path path = directory / kSecretName;
  ASSERT_TRUE(
      WriteSessionSecret(SystemEnv(), *testing::Opened(directory.path()), SessionKeys::NewSecret())
          .ok());
  const std::string whole = ReadAll(path);
  const auto expect_damage = [&](const std::string& bytes) {
    WriteAll(path, bytes);
    const absl::Status status = ReadSessionSecret(*testing::Opened(directory.path())).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(path.string() + " is damaged"));
    EXPECT_EQ(ReadAll(path), bytes);
  };
  for (size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    expect_damage(damaged);
  }
  for (size_t size = 0; size < whole.size(); ++size) {
    if (size != SessionKeys::kSecretBytes) expect_damage(whole.substr(0, size));
  }
  expect_damage(whole + "x");
}

TEST(SessionSecretTest, OneOfBeforeIsRead) {
  const TemporaryDirectory directory;
  const std::string secret = SessionKeys::NewSecret();
  WriteAll(directory / kSecretName, secret);
  EXPECT_EQ(ReadSessionSecret(*testing::Opened(directory.path())).value(), secret);
}

}  // namespace
}  // namespace varscope::server
