// Memory that two processes map.
#include "proto/shm/segment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

#include "absl/status/statusor.h"
#include "proto/shm/file_descriptor.h"

namespace varscope::shm {
namespace {

using ::testing::HasSubstr;

TEST(SegmentTest, OneThatCouldShrinkOrHasAnotherSizeIsRefused) {
  FileDescriptor loose(memfd_create("test", MFD_CLOEXEC));
  ASSERT_EQ(ftruncate(loose.get(), 4096), 0);
  EXPECT_THAT(Segment::Map(std::move(loose), 4096).status().message(), HasSubstr("agreed size"));
  const absl::StatusOr<Segment> sealed = Segment::Create(8192);
  ASSERT_TRUE(sealed.ok());
  EXPECT_NE(ftruncate(sealed->file().get(), 4096), 0);
  EXPECT_THAT(Segment::Map(FileDescriptor(dup(sealed->file().get())), 4096).status().message(),
              HasSubstr("agreed size"));
}

}  // namespace
}  // namespace varscope::shm
