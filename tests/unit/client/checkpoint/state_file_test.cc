// The file that names the newest checkpoint.
#include "client/checkpoint/state_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/temporary_directory.h"

namespace varscope::checkpoint {
namespace {

using testing::TemporaryDirectory;

TEST(StateFileTest, NamesTheNewestCheckpoint) {
  const TemporaryDirectory directory;
  EXPECT_EQ(ReadStateFile(directory.path()), "");
  WriteStateFile(directory.path(), {"m-1", "m \"2\""});
  EXPECT_EQ(ReadStateFile(directory.path()), (directory / "m \"2\"").string());
}

}  // namespace
}  // namespace varscope::checkpoint
