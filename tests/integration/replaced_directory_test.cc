// Somebody removes, replaces or moves the data directory of a server that runs: the server says so,
// and touches nothing of what has its path then, which may be another server's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/programs.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_directory.h"
#include "varscope/varscope.h"

namespace varscope::testing {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

// A worker that adds 1 to `w`.
class Adder {
 public:
  Adder(const ServerProcess& server, const std::string& id,
        std::chrono::milliseconds timeout = std::chrono::seconds(60))
      : graph_(server.target(),
               {.worker_id = id, .sharing = SharingMode::kReplicated, .timeout = timeout}) {
    const auto use = graph_.as_default();
    add_ = get_variable("w", {.shape = Shape{}, .initializer = zeros_initializer()})
               .assign_add(constant(1.0F));
    session_ = std::make_unique<Session>();
  }
  float Add() { return session_->run(add_).scalar<float>(); }

 private:
  Graph graph_;
  Output add_;
  std::unique_ptr<Session> session_;
};

float ValueAt(const ServerProcess& server) {
  Graph graph(server.target());
  const auto use = graph.as_default();
  return Session().read("w").scalar<float>();
}

class ReplacedDirectoryTest : public ::testing::Test {
 protected:
  std::vector<std::string> Flags(const fs::path& path, const std::string& durability) const {
    return {"--data-dir", path, "--durability", durability, "--snapshot-seconds", "0"};
  }
  void Remove() const { fs::remove_all(data_); }
  // A restored copy.
  void Replace() const {
    fs::copy(data_, away_, fs::copy_options::recursive);
    fs::remove_all(data_);
    fs::rename(away_, data_);
  }
  void MoveAndCopy() const {
    fs::rename(data_, away_);
    fs::copy(away_, data_, fs::copy_options::recursive);
  }
  // It tries until its time is over, which may end its last try before the answer comes.
  void ExpectRefused(Adder& worker) const {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    const std::string why = "the data directory " + data_.string() + " was removed or replaced";
    for (bool told = false; !told;) {
      ASSERT_LT(std::chrono::steady_clock::now(), limit) << "it was not told why";
      try {
        FAIL() << "it was acknowledged: " << worker.Add();
      } catch (const OpError& error) {
        told = std::string(error.message()).find(why) != std::string::npos;
      }
    }
  }

  const TemporaryDirectory parent_;
  const fs::path data_ = parent_ / "data";
  const fs::path away_ = parent_ / "away";
};

TEST_F(ReplacedDirectoryTest, AnotherServersPushesAreLeftAlone) {
  constexpr std::chrono::seconds kShort{3};
  const auto remove = [this] { Remove(); };
  const auto replace = [this] { Replace(); };
  const auto move = [this] { MoveAndCopy(); };
  const std::vector<std::pair<std::function<void()>, int>> all = {
      {remove, 0}, {replace, 2}, {move, 2}};
  for (size_t i = 0; i < 2 * all.size(); ++i) {
    SCOPED_TRACE(i);
    const bool snapshots = i % 2 == 1;
    const auto& [happens, copied] = all[i / 2];
    fs::remove_all(data_);
    fs::remove_all(away_);
    ServerProcess old_server(Flags(data_, "sync"));
    Adder old_worker(old_server, "old", kShort);
    for (int n = 1; n <= 2; ++n) ASSERT_EQ(old_worker.Add(), n);
    happens();
    EXPECT_EQ(old_server.Ctl({"health"}).code, 1) << "at once";
    ServerProcess server(Flags(data_, "sync"));
    {
      Adder worker(server, "new");
      for (int n = 1; n <= 6; ++n) ASSERT_EQ(worker.Add(), copied + n);
      if (snapshots) {
        ASSERT_EQ(server.Ctl({"snapshot"}).code, 0);
        for (int n = 7; n <= 9; ++n) ASSERT_EQ(worker.Add(), copied + n);
      }
    }
    ExpectRefused(old_worker);
    EXPECT_EQ(old_server.Ctl({"snapshot"}).code, 1);
    EXPECT_EQ(old_server.Ctl({"snapshot", "kept"}).code, 1);
    EXPECT_EQ(old_server.Stop(), 4) << "what it acknowledged is not where a start looks";
    EXPECT_EQ(server.Ctl({"health"}).code, 0);
    server.Kill();
    const Finished verified = RunToEnd({Built("bin/varscopectl"), "verify", data_.string()});
    EXPECT_EQ(verified.code, 0) << verified.error;
    server.Restart();
    EXPECT_EQ(ValueAt(server), copied + (snapshots ? 9 : 6));
  }
}

// Also by a server that nobody has asked for anything since.
TEST_F(ReplacedDirectoryTest, AStopTellsThatNothingIsSaved) {
  for (const char* durability : {"none", "async:1ms", "sync"}) {
    for (const bool replaced : {false, true}) {
      SCOPED_TRACE(std::string(durability) + (replaced ? ", replaced" : ", removed"));
      fs::remove_all(data_);
      ServerProcess server(Flags(data_, durability));
      {
        Adder worker(server, "w");
        ASSERT_EQ(worker.Add(), 1);
      }
      ASSERT_EQ(server.Ctl({"health"}).code, 0);
      if (replaced) {
        Replace();
      } else {
        Remove();
      }
      EXPECT_EQ(server.Ctl({"health"}).code, 1);
      EXPECT_EQ(server.Stop(), 4);
      EXPECT_EQ(fs::exists(data_), replaced);
    }
  }
}

// It is the same directory: what was written meanwhile is in it.
TEST_F(ReplacedDirectoryTest, AfterItWasMovedAwayAndBackTheServerGoesOn) {
  ServerProcess server(Flags(data_, "sync"));
  Adder worker(server, "w", std::chrono::seconds(3));
  ASSERT_EQ(worker.Add(), 1);
  fs::rename(data_, away_);
  ExpectRefused(worker);
  EXPECT_FALSE(fs::exists(data_));
  const Finished taken = server.Ctl({"snapshot"});
  EXPECT_EQ(taken.code, 1);
  EXPECT_THAT(taken.error, HasSubstr(away_.string()));
  fs::rename(away_, data_);
  Adder other(server, "other");
  EXPECT_EQ(other.Add(), 3) << "the one that was not acknowledged was made";
  EXPECT_EQ(server.Ctl({"health"}).code, 0);
  server.Kill();
  server.Restart();
  EXPECT_EQ(ValueAt(server), 3);
  EXPECT_EQ(server.Stop(), 0);
}

TEST_F(ReplacedDirectoryTest, WithoutItsLockFileADirectoryStillHasOneServer) {
  ServerProcess server(Flags(data_, "sync"));
  fs::remove(data_ / "LOCK");
  const Finished second =
      RunToEnd({Built("bin/varscoped"), "--listen", "127.0.0.1:0", "--data-dir", data_.string()});
  EXPECT_EQ(second.code, 3);
  EXPECT_THAT(second.error, HasSubstr("is in use by another varscoped"));
}

}  // namespace
}  // namespace varscope::testing
